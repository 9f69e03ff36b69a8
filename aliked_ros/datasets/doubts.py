"""What is implausible about a sequence: seen in its calibration and in its first frames."""

from __future__ import annotations

from aliked_ros.datasets.sequence import FrameError, Sequence
from aliked_ros.geometry.calibration import implausible
from aliked_ros.images import GreyRange, implausible_depth

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
            if frame.depth_m is not None:
                odd = sequence.doubt_of_depth(frame.depth_m) or implausible_depth(frame.depth_m)
                doubts += [odd.replace("depth_scale", "--depth-scale")] if odd else []
            break
    doubts += _of_grey(sequence.grey_range)
    sequence.left_out.clear()  # these frames are read again
    sequence.left_out.update(counted)
    return doubts


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
