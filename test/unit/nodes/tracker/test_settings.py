import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.config import ScaleConfig


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_sensor_that_measures_metres_needs_no_other_source(make_settings, sensor):
    with pytest.raises(
        ValueError, match=f"'odometry' .* '{sensor}', .* set scale_source to 'none'"
    ):
        make_settings(sensor, scale=ScaleConfig(scale_source="odometry"))
    assert make_settings("mono", scale=ScaleConfig(scale_source="odometry"))
