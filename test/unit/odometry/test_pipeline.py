import numpy as np
import pytest
import torch

from aliked_ros.datasets.calibration import rectified_partner
from aliked_ros.odometry.pipeline import STAGES, FramePipeline, make_rig
from aliked_ros.structs import Camera, Features, Frame
from aliked_ros.synthetic import SyntheticRoom

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

    def estimate(self, stamp_ns, features, matches, depths_m=None):
        assert matches == "the matches"
        self.calls.append((stamp_ns, len(features), depths_m))
        return "the result"


def _ticking():
    times_s = iter([1.0, 1.01, 1.03, 1.06, 1.10])
    return lambda: next(times_s)


def test_the_steps_run_in_order_and_are_timed():
    odometry = FakeOdometry()
    pipeline = FramePipeline(
        FakeExtractor(), lambda frame, keypoints: keypoints[:, 0], odometry, _ticking()
    )
    tracked = pipeline.process(Frame(7, IMAGE))
    assert tracked.result == "the result"
    assert len(tracked.features) == 2
    assert list(tracked.latencies_ms) == list(STAGES)
    np.testing.assert_allclose(list(tracked.latencies_ms.values()), [10, 20, 30, 40])
    (stamp_ns, count, depths_m) = odometry.calls[0]
    assert (stamp_ns, count) == (7, 2)
    np.testing.assert_array_equal(depths_m, [10, 30])


def test_a_single_camera_measures_no_depth():
    odometry = FakeOdometry()
    rig = make_rig("mono", CAMERA)
    assert rig.camera is CAMERA
    FramePipeline(FakeExtractor(), rig.measure_depth, odometry, _ticking()).process(Frame(7, IMAGE))
    assert odometry.calls[0][2] is None


def test_a_depth_image_is_read_at_the_keypoints():
    measure = make_rig("rgbd", CAMERA).measure_depth
    depth_m = np.full((48, 64), 2.0, np.float32)
    depth_m[:, 40:] = np.nan
    points = np.array([[10.0, 10.0], [60.0, 10.0]])
    np.testing.assert_array_equal(measure(Frame(0, IMAGE, depth_m=depth_m), points), [2.0, np.nan])


@pytest.mark.parametrize("sensor", ["rgbd", "stereo"])
def test_a_frame_without_its_partner_has_no_depth(sensor):
    measure = make_rig(sensor, CAMERA, rectified_partner(CAMERA, 0.1)).measure_depth
    assert np.isnan(measure(Frame(0, IMAGE), np.array([[10.0, 10.0]]))).all()


def test_a_rectified_pair_measures_the_depth_of_the_room():
    room = SyntheticRoom(0, 320, 240, num_frames=1)
    rig = make_rig("stereo", room.camera, room.right_camera)
    frame = room.read(0)
    points = np.random.default_rng(0).uniform((40, 20), (300, 220), (300, 2))
    measured_m = rig.measure_depth(frame, points)
    true_m = frame.depth_m[tuple(np.rint(points[:, ::-1]).astype(int).T)]
    known = np.isfinite(measured_m)
    assert rig.camera is room.camera
    assert known.mean() > 0.3
    assert np.median(np.abs(measured_m[known] / true_m[known] - 1)) < 0.03


def test_a_raw_pair_is_rectified_first():
    T_left_right = np.eye(4)
    T_left_right[0, 3] = 0.1
    rig = make_rig("stereo", CAMERA, CAMERA, T_left_right)
    assert rig.camera.P is not None
    assert rig.right_camera.P[0, 3] < 0


def test_a_pair_without_its_right_camera_is_an_error():
    with pytest.raises(ValueError, match="no calibration of the right camera"):
        make_rig("stereo", CAMERA)
