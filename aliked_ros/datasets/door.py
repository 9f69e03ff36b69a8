"""The door: a path -> the sequence that its layout holds."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from aliked_ros.datasets.options import Options
from aliked_ros.datasets.resized import ResizedSequence
from aliked_ros.datasets.sequence import DatasetError, Sequence

# Layout -> its reader, a class below datasets/readers, imported when a path may be its own. The
# order of recognition: an image folder would swallow the more special layouts.
_READERS = {
    "rosbag2": "rosbag.RosbagSequence",
    "video": "video.VideoSequence",
    "kitti": "kitti.KittiSequence",
    "kitti_raw": "kitti_raw.KittiRawSequence",
    "tum": "tum.TumSequence",
    "euroc": "euroc.EurocSequence",
    "7scenes": "seven_scenes.SevenScenesSequence",
    "images": "image_folder.ImageFolderSequence",
}
LAYOUTS = tuple(_READERS)
SYNTHETIC = "synthetic"
_NOISY = "noisy"


def open_sequence(
    path: Path | str,
    camera_info: Path | str | None = None,
    layout: str = "auto",
    *,
    rate_hz: float = 0.0,
    topics: dict[str, str] | None = None,
    options: Options | None = None,
) -> Sequence:
    """Open a sequence; images are read when they are asked for.

    Args:
        path: folder or file; "synthetic" or "synthetic:SEED" is the room that the package renders,
            "synthetic:SEED:noisy" the same with the noise of a Kinect in its depth images.
        camera_info: calibration (ROS camera_calibration YAML) in place of the layout's own.
        layout: "auto" or one of LAYOUTS.
        rate_hz: rate where the layout has no stamps; 0: what is usual for it.
        topics: for bags: "image", "right_image", "depth", "camera_info", "right_camera_info" ->
            topic, where the choice errs.
        options: everything else that can be said; the arguments before it count first.

    Raises:
        DatasetError: naming the path, what was looked for and what to do.
    """
    if layout != "auto" and layout not in LAYOUTS:
        raise DatasetError(f"layout is {layout!r}: use auto or one of {', '.join(LAYOUTS)}")
    if str(path).partition(":")[0] == SYNTHETIC and not Path(path).exists():
        return _open_synthetic(str(path))
    info = None if camera_info is None else Path(camera_info).expanduser()
    said = options or Options()
    options = replace(
        said,
        camera_info=info or said.camera_info,
        rate_hz=rate_hz or said.rate_hz,
        topics=tuple((topics or {}).items()) or said.topics,
    )
    path = Path(path).expanduser()
    if not path.exists():
        raise DatasetError(f"{path} does not exist: give a sequence's folder or file")
    chosen = [name for name in LAYOUTS if layout in ("auto", name)]
    for reader in map(find_reader, chosen):
        if reader.recognises(path):
            _check_for(reader.layout, options)
            return _as_asked(reader(path, options), options)
    raise DatasetError(_unrecognised(path, list(map(find_reader, chosen))))


def _check_for(layout: str, options: Options) -> None:
    """Raise DatasetError if something is asked for that a layout cannot do."""
    if layout != "rosbag2" and (options.topics or options.stamps != "header"):
        raise DatasetError(
            f"topics and stamps {options.stamps!r} are of bags; this is a sequence of the layout "
            f"{layout}: leave them out"
        )


def _as_asked(sequence: Sequence, options: Options) -> Sequence:
    """Return a sequence at the size that is asked for; say what it could not use."""
    if options.depth_scale and "rgbd" not in sequence.sensors:
        raise DatasetError(
            f"depth_scale is {options.depth_scale:g}, but {sequence.name} ({sequence.layout}) "
            "serves no depth images"
        )
    if options.rate_hz and sequence.has_stamps:
        sequence.remarks += (f"a rate of {options.rate_hz:g} Hz is not used: there are stamps",)
    return ResizedSequence(sequence, options.image_width) if options.image_width else sequence


def find_reader(layout: str) -> Any:
    """Return the class that reads a layout."""
    module, _, name = _READERS[layout].partition(".")
    return getattr(import_module(f"aliked_ros.datasets.readers.{module}"), name)


def _open_synthetic(name: str) -> Sequence:
    seed, _, option = name.partition(":")[2].partition(":")
    if not (seed or "0").isdigit() or option not in ("", _NOISY):
        raise DatasetError(
            f"sequence is {name!r}: give synthetic, synthetic:SEED or synthetic:SEED:{_NOISY}, "
            "SEED a number"
        )
    # By name, as the readers are: the room is a sequence, so it stands on this package.
    room: Sequence = import_module("aliked_ros.synthetic.room").open_room(
        int(seed or "0"), is_noisy=option == _NOISY
    )
    return room


def _unrecognised(path: Path, readers: list[Any]) -> str:
    looked_for = "; ".join(reader.looks_for for reader in readers)
    if not path.is_dir():
        return f"{path} is not a sequence. Looked for: {looked_for}"
    content = sorted(entry.name + "/" * entry.is_dir() for entry in path.iterdir())
    held = ", ".join(content[:6]) + (", ..." if len(content) > 6 else "")
    inner = [
        entry.name
        for entry in sorted(path.iterdir())
        if entry.is_dir() and any(reader.recognises(entry) for reader in readers)
    ]
    hint = f" Sequences lie inside it: {', '.join(inner[:6])}." if inner else ""
    return (
        f"{path} is not a sequence.{hint} It holds: {held or 'nothing'}. Looked for: {looked_for}"
    )
