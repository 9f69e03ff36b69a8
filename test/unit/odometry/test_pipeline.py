import numpy as np
import torch

from aliked_ros.odometry.pipeline import STAGES, FramePipeline
from aliked_ros.odometry.rig import make_rig
from aliked_ros.structs import Camera, Features, Frame

CAMERA = Camera(64, 48, np.array([[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]]))
IMAGE = np.zeros((48, 64), np.uint8)


class FakeExtractor:
    def __call__(self, image):
        keypoints = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
        return Features(keypoints, torch.ones(2), torch.ones(2), torch.eye(2), image.shape[:2])


class FakeOdometry:
    def __init__(self):
        self.calls = []

    def match(self, features):
        return "the matches"

    def estimate(
        self, stamp_ns, features, matches, depths_m=None, R_inertial_camera=None, depth_offset_s=0
    ):
        assert matches == "the matches"
        self.calls.append((stamp_ns, len(features), depths_m, R_inertial_camera))
        return "the result"


def _ticking():
    times_s = iter([1.0, 1.01, 1.5, 1.52, 1.55, 1.59])
    return lambda: next(times_s)


def test_the_steps_run_in_order_and_are_timed():
    odometry = FakeOdometry()
    rig = make_rig("rgbd", CAMERA)
    depth_m = np.full((48, 64), 2.0, np.float32)
    tracked = FramePipeline(rig, odometry, _ticking(), FakeExtractor()).process(
        Frame(7, IMAGE, depth_m=depth_m)
    )
    assert tracked.result == "the result"
    assert len(tracked.features) == 2
    assert list(tracked.stages_ms) == list(STAGES)
    np.testing.assert_allclose(list(tracked.stages_ms.values()), [10, 20, 30, 40])
    stamp_ns, count, depths_m, _ = odometry.calls[0]
    assert (stamp_ns, count) == (7, 2)
    np.testing.assert_array_equal(depths_m, [2, 2])


def test_a_single_camera_measures_no_depth():
    odometry = FakeOdometry()
    rig = make_rig("mono", CAMERA)
    FramePipeline(rig, odometry, _ticking(), FakeExtractor()).process(Frame(7, IMAGE))
    assert odometry.calls[0][2] is None


def test_the_orientation_is_asked_for_at_the_stamp_of_the_image():
    odometry = FakeOdometry()
    pipeline = FramePipeline(make_rig("mono", CAMERA), odometry, _ticking())
    tracked = pipeline.track(7, FakeExtractor()(IMAGE), orientation=lambda stamp_ns: stamp_ns + 1)
    assert odometry.calls[0][3] == 8
    assert list(tracked.stages_ms) == list(STAGES[1:])
