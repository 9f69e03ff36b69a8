import numpy as np
import pytest

pytest.importorskip("visualization_msgs", reason="ROS is not installed: run make install")

from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from aliked_ros.nodes.tracker.map_outputs import landmarks_to_message, lines_to_message

HEADER = Header(frame_id="odom")
GREEN = (0.0, 1.0, 0.0)


def test_landmarks_are_metres_with_how_often_they_were_seen():
    points = np.array([[1.0, 2, 3], [4, 5, 6]])
    cloud = landmarks_to_message(points, np.array([2, 7]), HEADER)
    assert (cloud.header, cloud.width, cloud.height) == (HEADER, 2, 1)
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "num_seen"]
    assert cloud.row_step == 2 * cloud.point_step == len(cloud.data)
    rows = np.frombuffer(cloud.data, [("xyz", "<f4", 3), ("num_seen", "<u4")])
    np.testing.assert_array_equal(rows["xyz"], points)
    np.testing.assert_array_equal(rows["num_seen"], [2, 7])


def test_no_landmarks_are_an_empty_cloud():
    cloud = landmarks_to_message(np.zeros((0, 3)), np.zeros(0, np.int64), HEADER)
    assert (cloud.width, len(cloud.data)) == (0, 0)


def test_lines_are_pairs_of_points_and_none_erase_the_ones_before():
    lines = np.arange(12.0).reshape(2, 2, 3)
    (marker,) = lines_to_message(lines, "tracks", GREEN, HEADER, 0.01).markers
    assert (marker.ns, marker.type, marker.action) == ("tracks", Marker.LINE_LIST, Marker.ADD)
    assert [(p.x, p.y, p.z) for p in marker.points] == [
        (0, 1, 2),
        (3, 4, 5),
        (6, 7, 8),
        (9, 10, 11),
    ]
    (marker,) = lines_to_message(lines[:0], "tracks", GREEN, HEADER, 0.01).markers
    assert marker.action == Marker.DELETE
