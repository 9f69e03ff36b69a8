from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="ROS is not installed: run make install")

from point_world import CAMERA, K
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import camera_to_message
from aliked_ros.nodes.tracker.camera_info import CameraInfoTopic
from aliked_ros.nodes.tracker.not_ready import NotReadyError


def message(**changes):
    made = camera_to_message(CAMERA, Header(frame_id="camera"))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def topic(node, topics):
    made = CameraInfoTopic(topics, "camera_info", is_rectified=False)
    made.send = lambda message: node.send("/camera_info", message)
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
    topic.send(message(k=(K * [[1.1], [1.1], [1]]).ravel()))
    changed = topic.camera(640, 480)
    assert changed is not camera
    np.testing.assert_allclose(changed.K[0, 0], K[0, 0] * 1.1)


def test_rectified_images_have_the_camera_of_p(node, topics):
    topic = CameraInfoTopic(topics, "camera_info", is_rectified=True)
    P = np.column_stack([K, [0.0, 0, 0]])
    P[0, 0] *= 0.9
    node.send("/camera_info", message(p=P.ravel(), d=[0.1, 0.0, 0.0, 0.0, 0.0]))
    camera = topic.camera(640, 480)
    np.testing.assert_allclose(camera.K, P[:, :3])
    assert not camera.is_distorted
    for _ in range(3):
        node.send("/camera_info", message(p=np.zeros(12)))
    with pytest.raises(ValueError, match="P is zero and rectified_images is true"):
        topic.camera(640, 480)


def test_what_cannot_be_used_names_the_topic(topic):
    topic.send(message(distortion_model="equidistant", d=[0.1] * 5))
    with pytest.raises(ValueError, match="/camera_info: distortion_model equidistant needs 4 val"):
        topic.camera(640, 480)


def test_what_is_strange_is_said_once(node, topic):
    K_off = K.copy()
    K_off[0, 2] = 900.0
    for _ in range(3):
        topic.send(message(k=K_off.ravel(), p=np.zeros(12)))
        topic.camera(640, 480)
    (said,) = node.said["warning"]
    assert "/camera_info: the principal point of K is (900.0, 239.5), outside the image" in said


def test_two_publishers_that_disagree_are_refused_until_they_have_stopped(at, node, topic):
    node.endpoints["/camera_info"] = [
        SimpleNamespace(node_name=name, node_namespace="/") for name in ("left", "right")
    ]
    other = message(k=(K * [[1.01], [1.01], [1]]).ravel())
    topic.send(message())
    topic.camera(640, 480)
    for index in range(4):
        at(index * 0.1)
        topic.send(other)
        if index:
            with pytest.raises(ValueError, match=r"changes back and forth .*by /left, /right"):
                topic.camera(640, 480)
        topic.send(message())
    at(2.0)
    topic.send(message())
    with pytest.raises(ValueError, match="stop the other publisher"):
        topic.camera(640, 480)
    at(4.0)
    assert topic.camera(640, 480).K[0, 0] == K[0, 0]


def test_a_calibration_that_changes_for_good_is_no_fight(at, topic):
    topic.send(message())
    topic.camera(640, 480)
    other = message(k=(K * [[1.01], [1.01], [1]]).ravel())
    for index in range(5):
        at(index)
        topic.send(other)
        assert topic.camera(640, 480).K[0, 0] == pytest.approx(K[0, 0] * 1.01)


def test_a_calibration_that_was_sent_once_before_is_asked_for(node, topics, topic, diagnostics):
    asked = []
    create = node.create_subscription
    node.create_subscription = lambda *args, **more: (asked.append(args), create(*args, **more))
    diagnostics.report()
    assert asked == []  # nobody has sent anything that could be missed
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.endpoints["/camera_info"] = [SimpleNamespace(qos_profile=latched)]
    diagnostics.report()
    (arguments,) = asked
    assert arguments[3].durability == DurabilityPolicy.TRANSIENT_LOCAL
    diagnostics.report()
    assert len(asked) == 1


def test_a_message_that_is_no_calibration_leaves_the_one_before_in_force(topic, diagnostics):
    topic.send(message())
    camera = topic.camera(640, 480)
    broken = message(k=[float("nan")] * 9)
    for _ in range(2):
        topic.send(broken)
        assert topic.camera(640, 480) is camera
    assert diagnostics.read()[1]["camera_info messages not used"] == "2"
    assert "/camera_info: " in diagnostics.read()[0].message
    topic.send(message())
    assert topic.camera(640, 480) is camera


def test_several_that_are_none_are_believed(topic):
    topic.send(message())
    topic.camera(640, 480)
    for _ in range(3):
        topic.send(message(k=[0.0] * 9, p=[0.0] * 12))
    with pytest.raises(ValueError, match="/camera_info: "):
        topic.camera(640, 480)
    topic.send(message())
    topic.camera(640, 480)
