"""TUM RGB-D: rgb.txt, depth.txt with depth in 1/5000 m, groundtruth.txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aliked_ros.datasets import camera_files, stamps, tum_depth, tum_rows
from aliked_ros.datasets.image_files import read_raw_depth
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.structs import Camera, Floats, Index

MAX_DEPTH_OFFSET_NS = 20_000_000

# Published colour calibrations (fx, fy, cx, cy), (k1, k2, p1, p2, k3) of the benchmark's three
# cameras; a sequence carries no calibration file, only the camera's number in its name.
_PUBLISHED = {
    1: (
        (517.306408, 516.469215, 318.643040, 255.313989),
        (0.262383, -0.953104, -0.005358, 0.002628, 1.163314),
    ),
    2: (
        (520.908620, 521.007327, 325.141442, 249.701764),
        (0.231222, -0.784899, -0.003257, -0.000105, 0.917205),
    ),
    3: ((535.4, 539.2, 320.1, 247.6), ()),
}


class TumSequence(FileSequence):
    """A folder of the TUM RGB-D benchmark."""

    layout = "tum"
    looks_for = "rgb.txt (TUM RGB-D)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return (path / "rgb.txt").is_file()

    def __init__(self, path: Path, options: Options) -> None:
        stamps_ns, images = _read_list(path / "rgb.txt")
        depth_stamps_ns, depth_files = _read_list(path / "depth.txt")
        partners = stamps.nearest(stamps_ns, depth_stamps_ns, MAX_DEPTH_OFFSET_NS)
        depths = [depth_files[i] if i >= 0 else None for i in partners]
        truth = path / "groundtruth.txt"
        super().__init__(
            path.resolve().name,
            stamps_ns,
            Files(images, depths=depths),
            camera_files.override(_published(path), path, options.camera_info),
            ground_truth=tum_rows.read(truth) if truth.is_file() else None,
        )

    def _read_depth(self, path: Path) -> Floats:
        return tum_depth.to_metres(read_raw_depth(path))


def _read_list(path: Path) -> tuple[Index, list[Path]]:
    """Return stamps and files of rows "stamp file", in the order of time."""
    if not path.is_file():
        return np.zeros(0, np.int64), []
    stamps_ns, files = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 2:
            raise DatasetError(f"{path}, line {number}: a row is 'stamp file', got {line!r}")
        try:
            stamps_ns.append(stamps.seconds_to_ns(fields[0]))
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: {error}") from error
        files.append(path.parent / fields[1])
    listed_ns = np.array(stamps_ns, np.int64)
    order = stamps.increasing(listed_ns)
    return listed_ns[order], [files[i] for i in order]


def _published(path: Path) -> Calibration:
    """Return the benchmark's calibration where the folder's name tells the camera."""
    name = path.resolve().name.lower()
    for number, ((fx, fy, cx, cy), D) in _PUBLISHED.items():
        if f"freiburg{number}" in name or f"fr{number}_" in name:
            K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
            return Calibration(Camera(640, 480, K, "plumb_bob" if D else "none", np.array(D)))
    return Calibration()
