import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="ROS is not installed: run make install")

from point_world import CAMERA, K
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import camera_to_message
from aliked_ros.nodes.tracker.camera_info import CameraInfoTopic
from aliked_ros.nodes.tracker.not_ready import NotReadyError


def message(**changes):
    made = camera_to_message(CAMERA, Header())
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def topic(node):
    made = CameraInfoTopic(node, "camera_info", is_rectified=False)
    made.send = node.callbacks["camera_info"]
    return made


def test_nothing_and_another_size_are_waited_out(topic):
    with pytest.raises(NotReadyError, match="no camera_info on /camera_info yet: publish"):
        topic.camera(640, 480)
    topic.send(message(width=320))
    with pytest.raises(NotReadyError, match="is for 320x480, the images are 640x480"):
        topic.camera(640, 480)


def test_the_camera_is_the_same_until_it_changes_noticeably(topic):
    topic.send(message())
    camera = topic.camera(640, 480)
    topic.send(message(k=(K * (1 + 1e-9)).ravel()))
    assert topic.camera(640, 480) is camera
    topic.send(message(k=(K * 1.1).ravel()))
    changed = topic.camera(640, 480)
    assert changed is not camera
    np.testing.assert_allclose(changed.K, K * 1.1)


def test_rectified_images_have_the_camera_of_p(node):
    topic = CameraInfoTopic(node, "camera_info", is_rectified=True)
    P = np.column_stack([K * 0.9, [0.0, 0, 0]])
    node.callbacks["camera_info"](message(p=P.ravel(), d=[0.1, 0.0, 0.0, 0.0, 0.0]))
    camera = topic.camera(640, 480)
    np.testing.assert_allclose(camera.K, K * 0.9)
    assert not camera.is_distorted
    node.callbacks["camera_info"](message(p=np.zeros(12)))
    with pytest.raises(ValueError, match="has an empty P and rectified_images is true"):
        topic.camera(640, 480)
