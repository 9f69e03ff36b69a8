"""Any sequence -> a folder in the TUM RGB-D layout."""

from __future__ import annotations

from pathlib import Path

from aliked_ros.datasets import camera_files, tum_depth, tum_rows
from aliked_ros.datasets.image_files import write_image
from aliked_ros.datasets.sequence import Sequence
from aliked_ros.datasets.stamps import ns_to_seconds


def write_tum(sequence: Sequence, folder: Path) -> None:
    """Write images, depth where there is one, ground truth and camera_info.yaml.

    Depth is rounded to 0.2 mm and ends at 13.1 m, which is what the layout's 16 bits hold.
    """
    lists: dict[str, list[str]] = {"rgb": [], "depth": []}
    poses = []
    for frame in sequence.frames():
        stamp = ns_to_seconds(frame.stamp_ns)
        write_image(folder / "rgb" / f"{stamp}.png", frame.image)
        lists["rgb"].append(f"{stamp} rgb/{stamp}.png")
        if frame.depth_m is not None:
            write_image(folder / "depth" / f"{stamp}.png", tum_depth.to_units(frame.depth_m))
            lists["depth"].append(f"{stamp} depth/{stamp}.png")
        if frame.T_world_camera is not None:
            poses.append((frame.stamp_ns, frame.T_world_camera))
    for name, rows in lists.items():
        if rows:
            _save_lines(folder / f"{name}.txt", ["# timestamp filename", *rows])
    if poses:
        tum_rows.write(folder / "groundtruth.txt", poses)
    camera_files.write(folder / "camera_info.yaml", sequence.require_camera(), sequence.name)


def _save_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
