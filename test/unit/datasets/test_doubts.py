import numpy as np
import pytest

from aliked_ros.datasets.doubts import find_doubts
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.sequence import Calibration, FrameError, Pictures, Sequence
from aliked_ros.structs import Camera


class FakeSequence(Sequence):
    layout = "fake"

    def __init__(
        self, cx=15.5, right_cx=15.5, depth_m=1.0, stamps_ns=None, truth=None, size=(24, 32)
    ):
        self._depth_m, self._size = depth_m, size
        cameras = [
            Camera(32, 24, np.array([[30.0, 0, x], [0, 30.0, 11.5], [0, 0, 1]]))
            for x in (cx, right_cx)
        ]
        super().__init__(
            "fake",
            np.arange(3) * 10**8 if stamps_ns is None else np.array(stamps_ns, np.int64),
            Calibration(*cameras),
            sensors=("mono", "stereo", "rgbd"),
            ground_truth=truth,
        )

    def _load(self, index, with_right, with_depth):
        if index == 0:
            raise FrameError(index, "broken")
        depth_m = np.full((24, 32), self._depth_m, np.float32) if with_depth else None
        return Pictures(np.zeros(self._size, np.uint8), None, depth_m)


def test_what_is_plausible_is_not_doubted():
    assert find_doubts(FakeSequence(), "rgbd") == []


def test_a_principal_point_outside_the_image_is_doubted():
    assert (
        "(300.0, 11.5), outside the image of 32x24" in find_doubts(FakeSequence(300.0), "mono")[0]
    )


def test_the_right_camera_is_doubted_where_it_counts():
    sequence = FakeSequence(right_cx=300.0)
    assert find_doubts(sequence, "mono") == []
    assert find_doubts(sequence, "stereo")[0].startswith("right camera: the principal point")


@pytest.mark.parametrize(
    ("depth_m", "reason"), [(1500.0, "median depth is 1500 m"), (np.nan, "none of its pixels")]
)
def test_implausible_depth_is_doubted(depth_m, reason):
    (doubt,) = find_doubts(FakeSequence(depth_m=depth_m), "rgbd")
    assert reason in doubt


@pytest.mark.parametrize(
    ("stamps_s", "reason"),
    [
        ([0, 0.1, 0.2, 0.3, 0.4], ""),
        ([0, 33, 66, 99, 133], "images are 33 s apart: check the unit of the stamps"),
        ([0, 3e-5, 6e-5, 9e-5], "images are 3e-05 s apart"),
        ([0, 0.1, 3600, 3600.1, 3600.2], "jump by 3599.9 s between frame 1 and 2"),
    ],
)
def test_stamps_of_another_unit_and_gaps_are_doubted(stamps_s, reason):
    doubts = find_doubts(FakeSequence(stamps_ns=np.array(stamps_s) * 1e9), "mono")
    assert bool(doubts) == bool(reason)
    assert reason in " ".join(doubts)


@pytest.mark.parametrize(
    ("stamps_ns", "num_left_out", "reason"),
    [
        ([0, 10**8, 2 * 10**8], 0, ""),
        ([0, 10**8, 2 * 10**8], 2, "2 of 5 poses of the ground truth are none"),
        ([10**12, 10**12 + 10**8], 0, "0 of 3 images that were looked at have a pose"),
        ([], 4, "the ground truth holds no pose: nothing is scored"),
    ],
)
def test_ground_truth_that_scores_nothing_is_doubted(stamps_ns, num_left_out, reason):
    poses = np.tile(np.eye(4), (len(stamps_ns), 1, 1))
    truth = GroundTruth(np.array(stamps_ns, np.int64), poses, num_left_out)
    doubts = find_doubts(FakeSequence(truth=truth), "mono")
    assert bool(doubts) == bool(reason)
    assert reason in " ".join(doubts)


def test_a_calibration_for_another_size_is_left_to_the_images():
    assert find_doubts(FakeSequence(cx=300.0, size=(48, 64)), "mono") == []
