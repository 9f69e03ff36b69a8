import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.nodes.tracker.attached_keypoints import AttachedKeypoints


def test_many_are_told_once_and_shown(diagnostics, node):
    attached = AttachedKeypoints(diagnostics)
    for num in (0, 9, 12, 30):
        attached.note(num)
    told = [text for text in node.said["info"] if "move along" in text]
    assert len(told) == 1
    assert told[0].startswith("12 keypoints move along with the camera")
    assert "mask" in told[0]
    assert dict(diagnostics._values())["keypoints that move along with the camera"] == 30
