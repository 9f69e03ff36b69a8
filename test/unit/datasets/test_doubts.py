import numpy as np
import pytest

from aliked_ros.datasets.doubts import find_doubts
from aliked_ros.datasets.sequence import Calibration, FrameError, Pictures, Sequence
from aliked_ros.structs import Camera


class FakeSequence(Sequence):
    layout = "fake"

    def __init__(self, cx=15.5, right_cx=15.5, depth_m=1.0):
        self._depth_m = depth_m
        cameras = [
            Camera(32, 24, np.array([[30.0, 0, x], [0, 30.0, 11.5], [0, 0, 1]]))
            for x in (cx, right_cx)
        ]
        super().__init__(
            "fake", np.arange(3), Calibration(*cameras), sensors=("mono", "stereo", "rgbd")
        )

    def _load(self, index, with_right, with_depth):
        if index == 0:
            raise FrameError(index, "broken")
        depth_m = np.full((24, 32), self._depth_m, np.float32) if with_depth else None
        return Pictures(np.zeros((24, 32), np.uint8), None, depth_m)


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
