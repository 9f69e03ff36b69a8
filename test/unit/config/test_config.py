from dataclasses import replace

import pytest

from aliked_ros.config import SENSORS, OdometryConfig, ScaleConfig


@pytest.mark.parametrize(
    ("sensor", "displacement", "window_size"),
    [("mono", 0.1, 8), ("stereo", 0.02, 1), ("rgbd", 0.02, 1)],
)
def test_what_is_left_to_the_sensor_follows_it(sensor, displacement, window_size):
    config = OdometryConfig(sensor=sensor).for_sensor()
    assert config.keyframe_displacement_of_width == displacement
    assert config.window_size == window_size


@pytest.mark.parametrize("sensor", SENSORS)
def test_what_is_given_counts_whatever_the_sensor(sensor):
    config = OdometryConfig(sensor=sensor, keyframe_displacement_of_width=0.3, window_size=5)
    assert config.for_sensor() == config


def test_nothing_else_depends_on_the_sensor():
    config = OdometryConfig(sensor="stereo", seed=3, min_inliers=9)
    resolved = config.for_sensor()
    assert replace(resolved, keyframe_displacement_of_width=0.0, window_size=0) == config
    assert resolved.for_sensor() == resolved


def test_the_height_of_the_camera_must_be_given_where_it_is_the_scale():
    with pytest.raises(ValueError, match=r"scale_source is 'camera_height' .* is 0: give the"):
        ScaleConfig(scale_source="camera_height")
    assert ScaleConfig(scale_source="camera_height", camera_height_m=1.5).camera_height_m == 1.5
