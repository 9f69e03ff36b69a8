import numpy as np
import pytest

from aliked_ros.datasets.camera_files import rectified_partner
from aliked_ros.odometry.rig import make_rig
from aliked_ros.structs import Camera
from aliked_ros.synthetic.room import SyntheticRoom

CAMERA = Camera(64, 48, np.array([[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]]))
IMAGE = np.zeros((48, 64), np.uint8)


def test_a_single_camera_has_no_depths():
    rig = make_rig("mono", CAMERA)
    assert rig.camera is CAMERA
    assert rig.measure_depths(np.zeros((3, 2)), IMAGE) is None


def test_a_depth_image_of_another_size_is_an_error():
    rig = make_rig("rgbd", CAMERA)
    with pytest.raises(ValueError, match="depth image is 32x24, the image is 64x48"):
        rig.measure_depths(np.zeros((3, 2)), depth_m=np.ones((24, 32), np.float32))


def test_a_depth_image_is_read_at_the_keypoints():
    measure = make_rig("rgbd", CAMERA).measure_depths
    depth_m = np.full((48, 64), 2.0, np.float32)
    depth_m[:, 40:] = np.nan
    points = np.array([[10.0, 10.0], [60.0, 10.0]])
    np.testing.assert_array_equal(measure(points, depth_m=depth_m), [2.0, np.nan])


@pytest.mark.parametrize("sensor", ["rgbd", "stereo"])
def test_a_frame_without_its_partner_has_no_depth(sensor):
    measure = make_rig(sensor, CAMERA, rectified_partner(CAMERA, 0.1)).measure_depths
    assert np.isnan(measure(np.array([[10.0, 10.0]]), IMAGE)).all()


def test_a_rectified_pair_measures_the_depth_of_the_room():
    room = SyntheticRoom(0, 320, 240, num_frames=1)
    rig = make_rig("stereo", room.camera, room.right_camera)
    frame = room.read(0)
    points = np.random.default_rng(0).uniform((40, 20), (300, 220), (300, 2))
    measured_m = rig.measure_depths(points, frame.image, frame.right_image)
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
