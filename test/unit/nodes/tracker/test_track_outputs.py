from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from point_world import CAMERA
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.tracker.track_outputs import CHANNELS, TrackOutputs, matches_to_message
from aliked_ros.odometry.result import State, TrackedPairs

HEADER = Header(frame_id="camera")


def tracks(count=4):
    rows = np.arange(count)
    return TrackedPairs(
        previous_stamp_ns=5,
        indices=np.column_stack([rows, rows[::-1]]),
        keypoints_previous=np.column_stack([rows, rows + 10]).astype(np.float32),
        keypoints_current=np.column_stack([rows + 1, rows + 10]).astype(np.float32),
        similarities=np.linspace(0.5, 1, count).astype(np.float32),
        track_ids=(rows + 100).astype(np.uint64),
        lengths=(rows + 2).astype(np.uint32),
        inlier_mask=rows % 2 == 0,
    )


def result(count=4):
    return SimpleNamespace(tracks=tracks(count), state=State.TRACKING, stamp_ns=100_000_005)


def test_the_message_holds_every_pair():
    message = matches_to_message(HEADER, (480, 640), tracks())
    assert (message.header, message.width, message.height) == (HEADER, 640, 480)
    assert stamp_to_ns(message.previous_stamp) == 5
    assert list(message.keypoints_previous) == [0, 10, 1, 11, 2, 12, 3, 13]
    assert list(message.keypoints_current) == [1, 10, 2, 11, 3, 12, 4, 13]
    assert list(message.indices_previous) == [0, 1, 2, 3]
    assert list(message.indices_current) == [3, 2, 1, 0]
    assert list(message.track_ids) == [100, 101, 102, 103]
    assert list(message.track_lengths) == [2, 3, 4, 5]
    assert list(message.inliers) == [1, 0, 1, 0]


def test_vins_gets_the_longest_inliers(node):
    TrackOutputs(node, vins_max_tracks=1).publish(HEADER, CAMERA, result())
    (cloud,) = node.published["vins_tracks"]
    assert cloud.header == HEADER
    assert [channel.name for channel in cloud.channels] == list(CHANNELS)
    assert [channel.values[0] for channel in cloud.channels[:3]] == [102, 3, 12]
    (point,) = cloud.points
    assert (point.x, point.z) == (pytest.approx((3 - 319.5) / 500), 1.0)


def test_the_first_image_has_matches_without_pairs_and_nothing_for_vins(node):
    TrackOutputs(node, vins_max_tracks=10).publish(HEADER, CAMERA, result(0))
    assert len(node.published["matches"][0].track_ids) == 0
    assert node.published["vins_tracks"] == []


def test_nothing_is_made_for_nobody(node):
    node.num_listeners = 0
    TrackOutputs(node, vins_max_tracks=10).publish(HEADER, CAMERA, result())
    assert node.published["matches"] == node.published["vins_tracks"] == []
