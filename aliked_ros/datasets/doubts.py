"""What is implausible about a sequence: seen in its calibration and in its first frames."""

from __future__ import annotations

import numpy as np

from aliked_ros.datasets.sequence import FrameError, Sequence
from aliked_ros.datasets.stamps import ns_to_seconds
from aliked_ros.geometry.plausibility import implausible, implausible_pair
from aliked_ros.images import GreyRange, implausible_depth

_NUM_LOOKED_AT = 5  # frames: the first ones may be without depth, or dark
_DIM = 32768.0  # of 65535
_USUAL_STEP_S = (5e-4, 5.0)  # from one image to the next
_LONG_GAP_S = 10.0
_KNOWN_SHARE = 0.1  # of the images that have a pose in the ground truth, below which it is said
_NUM_STAMPS = 200  # of images whose poses are looked for


def find_doubts(sequence: Sequence, sensor: str, start: int = 0) -> list[str]:
    """Return what is strange, a sentence each, with the measured value and what to check.

    Args:
        sequence: to be tracked.
        sensor: "mono", "stereo" or "rgbd".
        start: first frame that will be tracked.
    """
    doubts = [*_of_stamps(sequence), *_of_truth(sequence)]
    is_readable = False
    counted = sequence.left_out.copy()
    for index in range(start, min(start + _NUM_LOOKED_AT, len(sequence))):
        try:
            frame = sequence.read(index, sensor)
        except FrameError:
            continue
        is_readable = True
        if sensor != "rgbd" or frame.depth_m is not None:
            if frame.depth_m is not None:
                odd = sequence.doubt_of_depth(frame.depth_m) or implausible_depth(frame.depth_m)
                doubts += [odd.replace("depth_scale", "--depth-scale")] if odd else []
            break
    if is_readable:  # a calibration for another size is said with the images
        doubts += _of_cameras(sequence, sensor)
    doubts += _of_grey(sequence.grey_range)
    sequence.left_out.clear()  # these frames are read again
    sequence.left_out.update(counted)
    return doubts


def _of_cameras(sequence: Sequence, sensor: str) -> list[str]:
    doubts = []
    for name, camera in (("", sequence.camera), ("right camera: ", sequence.right_camera)):
        if camera is not None and (sensor == "stereo" or not name):
            doubts += [f"{name}{strange}" for strange in implausible(camera)]
    if sensor == "stereo" and sequence.right_camera is not None:
        doubts += implausible_pair(sequence.right_camera, sequence.camera, sequence.T_left_right)
    return doubts


def _of_stamps(sequence: Sequence) -> list[str]:
    """Return what is strange about recorded stamps: their unit, or a gap."""
    steps_s = np.diff(sequence.stamps_ns) * 1e-9
    if not sequence.has_stamps or len(steps_s) < 3:
        return []
    median_s = float(np.median(steps_s))
    if not _USUAL_STEP_S[0] <= median_s <= _USUAL_STEP_S[1]:
        return [
            f"images are {median_s:.3g} s apart: check the unit of the stamps, which are taken as "
            "seconds in text files and as nanoseconds elsewhere"
        ]
    longest = int(np.argmax(steps_s))
    if steps_s[longest] < _LONG_GAP_S:
        return []
    return [
        f"the stamps jump by {steps_s[longest]:.1f} s between frame {longest} and {longest + 1}, "
        f"where {median_s:.3g} s is usual: was the recording interrupted, or the clock set?"
    ]


def _of_truth(sequence: Sequence) -> list[str]:
    """Return what is strange about the ground truth: poses that are none, or of another clock."""
    truth = sequence.ground_truth
    if truth is None:
        return []
    doubts = []
    if truth.num_left_out:
        doubts.append(
            f"{truth.num_left_out} of {truth.num_left_out + len(truth)} poses of the ground truth "
            "are none (not finite, or no rotation): they are left out"
        )
    if not len(truth):
        return [*doubts, "the ground truth holds no pose: nothing is scored"]
    stamps_ns = sequence.stamps_ns[:: max(1, len(sequence) // _NUM_STAMPS)]
    num_known = sum(truth.at(int(stamp_ns)) is not None for stamp_ns in stamps_ns)
    if num_known < _KNOWN_SHARE * len(stamps_ns):
        spans = [
            f"{ns_to_seconds(int(times[0]))} to {ns_to_seconds(int(times[-1]))} s"
            for times in (truth.stamps_ns, sequence.stamps_ns)
        ]
        doubts.append(
            f"{num_known} of {len(stamps_ns)} images that were looked at have a pose in the ground "
            f"truth, whose stamps are {spans[0]}, those of the images {spans[1]}: the others are "
            "not scored; check that both are of one clock and unit"
        )
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
