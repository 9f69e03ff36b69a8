import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from aliked_ros.nodes.tracker.mount import BASE, OPTICAL, parse_transform


def parse_camera_transform(text):
    return parse_transform("camera_transform", text, OPTICAL)


def test_nothing_means_tf():
    assert parse_camera_transform("  ") is None


def test_optical_turns_the_optical_axes_into_the_body_axes():
    T_base_camera = parse_camera_transform("optical")
    right, down, forward = T_base_camera[:3, :3].T
    np.testing.assert_array_equal(right, [0, -1, 0])
    np.testing.assert_array_equal(down, [0, 0, -1])
    np.testing.assert_array_equal(forward, [1, 0, 0])


def test_seven_numbers_are_position_and_quaternion():
    half = np.sqrt(0.5)
    T_base_camera = parse_camera_transform(f"0.1, 0.2 0.3 0 0 {half} {half}")
    np.testing.assert_allclose(T_base_camera[:3, 3], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(T_base_camera[:3, :3] @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3",
        "a b c d e f g",
        "0 0 0 0 0 0 0",
        "0 0 0 1 1 1 1",
        "nan 0 0 0 0 0 1",
        "0 inf 0 0 0 0 1",
    ],
)
def test_anything_else_is_refused_with_the_value_and_what_to_give(text):
    with pytest.raises(ValueError, match="camera_transform") as caught:
        parse_camera_transform(text)
    assert repr(text) in str(caught.value)
    assert "optical" in str(caught.value)


def test_an_imu_may_have_the_axes_of_the_base():
    np.testing.assert_array_equal(parse_transform("imu_transform", "base", BASE), np.eye(4))
    with pytest.raises(ValueError, match=r"imu_transform is 'optical': give 'base'"):
        parse_transform("imu_transform", "optical", BASE)
