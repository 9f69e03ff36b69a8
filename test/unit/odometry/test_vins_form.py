import numpy as np
import pytest

from aliked_ros.geometry.camera import project_raw
from aliked_ros.odometry.result import Motion, OdometryResult, State, TrackedPairs
from aliked_ros.odometry.vins_form import vins_form
from aliked_ros.structs import Camera

K = np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]])
R = np.array([[1.0, 0, 0], [0, np.cos(0.1), -np.sin(0.1)], [0, np.sin(0.1), np.cos(0.1)]])
CAMERA = Camera(640, 480, K, "plumb_bob", np.array([-0.3, 0.1, 1e-3, -1e-3, 0.0]), R=R)


def result(rays0, rays1, state=State.TRACKING, **changes):
    count = len(rays0)
    tracks = {
        "previous_stamp_ns": 1_000_000_000,
        "indices": np.zeros((count, 2), np.int64),
        "keypoints_previous": project_raw(rays0, CAMERA).astype(np.float32),
        "keypoints_current": project_raw(rays1, CAMERA).astype(np.float32),
        "similarities": np.ones(count, np.float32),
        "track_ids": np.arange(count, dtype=np.uint64),
        "lengths": np.full(count, 2, np.uint32),
        "inlier_mask": np.ones(count, bool),
    } | changes
    return OdometryResult(
        stamp_ns=1_050_000_000,
        state=state,
        motion=Motion.GENERAL,
        T_world_camera=None,
        covariance=np.eye(6),
        num_keypoints=count,
        num_matches=count,
        num_inliers=count,
        parallax_deg=0.0,
        is_keyframe=False,
        reason="",
        tracks=TrackedPairs(**tracks),
    )


@pytest.fixture
def rays():
    plane = np.random.default_rng(0).uniform(-0.4, 0.4, (20, 2))
    before = np.column_stack([plane, np.ones(20)])
    return before, before + np.array([0.01, -0.02, 0])


def test_points_are_undistorted_in_the_raw_camera_whatever_the_rectification(rays):
    points, channels = vins_form(result(*rays), CAMERA, 100)
    np.testing.assert_allclose(points, rays[1][:, :2], atol=1e-5)
    np.testing.assert_allclose(channels[1:3].T, project_raw(rays[1], CAMERA), atol=1e-3)
    np.testing.assert_allclose(channels[3:].T, np.tile([0.2, -0.4], (20, 1)), atol=1e-3)


def test_ids_survive_a_float_and_the_longest_tracks_are_kept(rays):
    ids = np.arange(20, dtype=np.uint64) + np.uint64(2**24 - 10)
    lengths = np.arange(20, dtype=np.uint32) + 2
    _, channels = vins_form(result(*rays, track_ids=ids, lengths=lengths), CAMERA, 5)
    assert channels[0].astype(int).tolist() == [9, 8, 7, 6, 5]
    _, channels = vins_form(result(*rays, track_ids=ids), CAMERA, 20)
    assert len(set(channels[0].tolist())) == 20


def test_outliers_are_left_out_but_without_a_pose_nobody_knows_them(rays):
    mask = np.arange(20) < 4
    assert len(vins_form(result(*rays, inlier_mask=mask), CAMERA, 100)[0]) == 4
    waiting = result(*rays, state=State.INITIALISING, inlier_mask=np.zeros(20, bool))
    assert len(vins_form(waiting, CAMERA, 100)[0]) == 20
