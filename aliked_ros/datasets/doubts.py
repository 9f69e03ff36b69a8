"""What is implausible about a sequence: seen in its calibration and in its first frames."""

from __future__ import annotations

import numpy as np

from aliked_ros.datasets.sequence import FrameError, Sequence
from aliked_ros.geometry.calibration import implausible
from aliked_ros.images import GreyRange, implausible_depth
from aliked_ros.structs import Floats

_NUM_LOOKED_AT = 5  # frames: the first ones may be without depth, or dark
_DIM = 32768.0  # of 65535


def find_doubts(sequence: Sequence, sensor: str, start: int = 0) -> list[str]:
    """Return what is strange, a sentence each, with the measured value and what to check.

    Args:
        sequence: to be tracked.
        sensor: "mono", "stereo" or "rgbd".
        start: first frame that will be tracked.
    """
    doubts = []
    for name, camera in (("", sequence.camera), ("right camera: ", sequence.right_camera)):
        if camera is not None and (sensor == "stereo" or not name):
            doubts += [f"{name}{strange}" for strange in implausible(camera)]
    counted = sequence.left_out.copy()
    for index in range(start, min(start + _NUM_LOOKED_AT, len(sequence))):
        try:
            frame = sequence.read(index, sensor)
        except FrameError:
            continue
        if sensor != "rgbd" or frame.depth_m is not None:
            doubts += _of_depth(sequence, frame.depth_m)
            break
    doubts += _of_grey(sequence.grey_range)
    sequence.left_out.clear()  # these frames are read again
    sequence.left_out.update(counted)
    return doubts


def _of_depth(sequence: Sequence, depth_m: Floats | None) -> list[str]:
    if depth_m is None:
        return []
    strange = implausible_depth(depth_m)
    if strange:
        return [strange.replace("depth_scale", "--depth-scale")]
    nearest_m = sequence.nearest_depth_m
    median_m = float(np.nanmedian(depth_m)) if np.isfinite(depth_m).any() else nearest_m
    if median_m >= nearest_m:
        return []
    return [
        f"median depth is {median_m:.2f} m, nearer than a depth camera of this layout sees: it has "
        "5000 units per metre; if these files are in millimetres, give --depth-scale 0.001"
    ]


def _of_grey(grey_range: GreyRange | None) -> list[str]:
    if grey_range is None or grey_range.used is None or grey_range.brightest is None:
        return []
    if grey_range.brightest >= _DIM:
        return []
    low, high = grey_range.used
    return [
        f"the images have more than 8 bits, and their brightest value is {grey_range.brightest:g} "
        f"of 65535: values {low:g} to {high:g} become black to white; --grey-range sets others"
    ]
