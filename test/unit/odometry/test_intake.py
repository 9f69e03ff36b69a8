from dataclasses import replace

import numpy as np
import pytest
import torch
from point_world import CAMERA, RIGHT_CAMERA, room, sideways

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.intake import Intake, make_view


def spread_of(scores, dispersity):
    features, depths_m = room(count=300).see(np.eye(4))
    num = len(depths_m)
    features = replace(
        features, scores=torch.full((num,), scores), dispersity=torch.full((num,), dispersity)
    )
    view = make_view(0, features, CAMERA, depths_m, 1e-3)
    return float(view.spread[0])


def test_a_keypoint_with_a_high_score_is_located_better():
    assert spread_of(0.9, 0.1) < 0.5 * spread_of(0.2, 0.1)
    assert abs(spread_of(2 / 3, 0.1) - 1) < 0.01


def test_scores_of_a_detector_without_dispersity_say_nothing():
    assert spread_of(0.9, 0.0) == spread_of(0.01, 0.0) == 1.0


def test_a_stamp_that_is_not_later_and_an_image_of_another_size_are_refused():
    intake = Intake(OdometryConfig(sensor="rgbd"), CAMERA)
    features, depths_m = room(count=100).see(np.eye(4))
    first = intake.take(7, features, depths_m, None, None)
    with pytest.raises(ValueError, match="stamp is 7 ns, the image before had 7 ns"):
        intake.take(7, features, depths_m, None, first)
    small = replace(features, image_size=(48, 64))
    with pytest.raises(ValueError, match=r"an image of \(48, 64\)"):
        intake.take(8, small, depths_m, None, first)


def test_one_depth_per_keypoint_is_asked_for():
    intake = Intake(OdometryConfig(sensor="rgbd"), CAMERA)
    features, depths_m = room(count=100).see(np.eye(4))
    with pytest.raises(ValueError, match="give one depth per keypoint"):
        intake.take(7, features, depths_m[:-1], None, None)


def test_a_measured_depth_is_as_sure_as_the_sensor_and_an_unknown_one_not_at_all():
    features, depths_m = room(count=100).see(np.eye(4))
    depths_m[:3] = [np.nan, 0.0, -1.0]
    stereo = Intake(OdometryConfig(sensor="stereo", disparity_noise_px=0.5), CAMERA, RIGHT_CAMERA)
    view = stereo.take(0, features, depths_m, None, None)
    assert np.isnan(view.inverse_depth[:3]).all()
    assert np.isinf(view.depth_sigma[:3]).all()
    np.testing.assert_allclose(view.depth_sigma[3:], 0.5 / (500.0 * 0.2))
    with pytest.raises(ValueError, match="give the right camera"):
        Intake(OdometryConfig(sensor="stereo"), CAMERA)


def test_an_orientation_is_turned_to_the_rectified_camera():
    R_rectified_camera = sideways(20)[-1][:3, :3]
    turned = replace(CAMERA, R=R_rectified_camera)
    features, depths_m = room(count=100).see(np.eye(4))
    view = Intake(OdometryConfig(), turned).take(0, features, depths_m, np.eye(3), None)
    np.testing.assert_allclose(view.R_inertial_view, R_rectified_camera.T)


def test_features_on_a_device_are_fetched_once(monkeypatch):
    features, depths_m = room(count=100).see(np.eye(4))
    fetched = []

    def to(self, target):
        if self.on_host is None and self is not features:
            return self
        if self.on_host is None:
            fetched.append(target)
            return replace(features)
        return self.on_host

    monkeypatch.setattr(type(features), "to", to)
    view = make_view(0, features, CAMERA, depths_m, 1e-3)
    for _ in range(3):
        assert len(view.descriptors) == len(view)
    assert fetched == ["cpu"]
