"""TUM RGB-D: rgb.txt and depth.txt, or associations.txt; depth in 1/5000 m; groundtruth.txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aliked_ros.datasets import camera_files, tum_depth, tum_lists, tum_rows
from aliked_ros.datasets.image_files import read_raw_depth
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration
from aliked_ros.images.depth import to_metres
from aliked_ros.structs import Camera, Floats

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
_NEAREST_M = 0.4  # that a Kinect sees
_NEAR_M = 2.0  # 10 m in millimetres


class TumSequence(FileSequence):
    """A folder of the TUM RGB-D benchmark."""

    layout = "tum"
    looks_for = "rgb.txt or associations.txt (TUM RGB-D)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return (path / "rgb.txt").is_file() or (
            path.is_dir() and tum_lists.find_associations(path) is not None
        )

    def __init__(self, path: Path, options: Options) -> None:
        listed = tum_lists.read_lists(path, options.sync_slop_ns(tum_lists.MAX_DEPTH_OFFSET_NS))
        truth = path / "groundtruth.txt"
        super().__init__(
            path.resolve().name,
            listed.stamps_ns,
            Files(listed.images, depths=listed.depths),
            camera_files.override(_published(path), path, options),
            options,
            ground_truth=tum_rows.read(truth) if truth.is_file() else None,
            remarks=listed.remarks,
        )

    def doubt_of_depth(self, depth_m: Floats) -> str:
        """Return what is odd for this layout about a depth image (H, W), m, or an empty string."""
        known = depth_m[np.isfinite(depth_m)]
        if self._depth_scale or known.size == 0:
            return ""
        median_m, far_m = float(np.median(known)), float(np.percentile(known, 99))
        # A Kinect, for which the layout was made, gives millimetres, so its units are fives.
        has_fives = float((np.rint(known * tum_depth.UNITS_PER_M) % 5 == 0).mean()) > 0.9
        if median_m >= _NEAREST_M and (far_m > _NEAR_M or has_fives):
            return ""
        return (
            f"median depth is {median_m:.2f} m and nearly all is nearer than {far_m:.2f} m, which "
            "is near for this layout, whose depth has 5000 units per metre: if these files are in "
            "millimetres, depth_scale is 0.001"
        )

    def _read_depth(self, path: Path) -> Floats:
        raw = read_raw_depth(path, self._max_megapixels)
        if self._depth_scale or raw.dtype != np.uint16:
            return to_metres(raw, self._depth_scale)
        return tum_depth.to_metres(raw)


def _published(path: Path) -> Calibration:
    """Return the benchmark's calibration where the folder's name tells the camera."""
    name = path.resolve().name.lower()
    for number, ((fx, fy, cx, cy), D) in _PUBLISHED.items():
        if f"freiburg{number}" in name or f"fr{number}_" in name:
            K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
            return Calibration(Camera(640, 480, K, "plumb_bob" if D else "none", np.array(D)))
    return Calibration()
