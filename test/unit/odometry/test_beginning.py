import numpy as np
import pytest
from point_world import CAMERA, K, match_views, nothing, room, sideways, turning

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.beginning import begin, look_for_parallax
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE, Motion, State

RGBD, MONO = OdometryConfig(sensor="rgbd"), OdometryConfig(sensor="mono")
HELD = sideways(9)[-1]


def view_of(T=HELD, depths=True, stamp_ns=0):
    features, depths_m = room(count=600).see(T)
    return make_view(stamp_ns, features, CAMERA, depths_m if depths else None, 1e-3)


def test_the_first_view_with_depths_is_the_origin():
    step = begin(view_of(), None, RGBD)
    assert step.is_keyframe
    assert step.state is State.TRACKING
    np.testing.assert_array_equal(step.view.pose, np.eye(4))


def test_a_single_camera_waits_at_the_origin():
    step = begin(view_of(depths=False), None, MONO)
    assert step.is_keyframe
    assert step.state is State.INITIALISING
    assert "parallax" in step.reason


def test_after_a_loss_the_pose_is_held_and_its_covariance_says_so():
    step = begin(view_of(), HELD, RGBD)
    assert step.is_keyframe
    assert step.state is State.LOST
    np.testing.assert_array_equal(step.view.pose, HELD)
    np.testing.assert_array_equal(step.view.covariance, UNKNOWN_COVARIANCE)


@pytest.mark.parametrize(("config", "what"), [(RGBD, "keypoints with depth"), (MONO, "keypoints")])
def test_an_image_that_shows_too_little_is_no_keyframe(config, what):
    features, depths_m = nothing()
    step = begin(make_view(0, features, CAMERA, depths_m, 1e-3), None, config)
    assert not step.is_keyframe
    assert step.reason == f"0 {what}, {config.min_inliers} are needed"


def look(T, T_world_held=None):
    world = room()
    views = [
        make_view(k, world.see(pose)[0], CAMERA, None, 0.0) for k, pose in enumerate((np.eye(4), T))
    ]
    matched = match_views(*views)
    return look_for_parallax(matched, T_world_held, 6.0, K, MONO)


def test_parallax_gives_the_keyframe_depths_in_the_unit_that_is_asked_for():
    seen = look(sideways(8)[-1])
    assert seen.step is seen.rotation is None
    assert seen.keyframe.median_depth == pytest.approx(6.0)


def test_a_rotation_is_followed_only_once_there_was_a_pose():
    waiting = look(turning(6)[-1])
    assert waiting.step.motion is Motion.ROTATION
    assert not waiting.step.is_keyframe
    assert look(turning(6)[-1], HELD).rotation.motion.kind is Motion.ROTATION


def test_views_that_have_nothing_in_common_restart_with_the_new_one():
    views = [view_of(depths=False, stamp_ns=k) for k in range(2)]
    matched = match_views(*views).select(slice(3))
    seen = look_for_parallax(matched, None, 6.0, K, MONO)
    assert seen.step.is_keyframe
    assert "only 3 matches" in seen.step.reason
