"""Landmarks, keyframes, tracks, VINS's tracks and the scale of a single camera, value by value."""

import numpy as np
import pytest
from aliked_ros.msg import Matches, OdometryStatus
from nav_msgs.msg import Odometry
from pipeline_runs import poses
from point_world import K, World, room, sideways
from sensor_msgs.msg import PointCloud, PointCloud2
from std_msgs.msg import Header
from tracker_sender import FRAME_NS, start_tracker
from visualization_msgs.msg import Marker, MarkerArray

from aliked_ros.geometry import se3
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.conversions.poses import pose_to_message

HEIGHT_M = 1.5
MAP = {"landmarks": PointCloud2, "keyframes": MarkerArray, "tracks": MarkerArray}


def corners(message):
    (marker,) = message.markers
    return marker, np.array([[p.x, p.y, p.z] for p in marker.points]).reshape(-1, 2, 3)


def test_the_map_is_where_the_world_is(processes, probe):
    sender = start_tracker(
        processes, probe, topics=MAP, odometry__keyframe_displacement_of_width=0.02
    )
    world, path = room(), sideways(10)
    for index, T in enumerate(path):
        assert sender.send(world.see(T), index).state == OdometryStatus.TRACKING
    for topic in MAP:
        probe.wait_until(lambda topic=topic: len(probe.heard[topic]) == len(path), topic)
    stamp = ns_to_stamp(10**9 + (len(path) - 1) * FRAME_NS)

    cloud = probe.heard["landmarks"][-1]
    assert (cloud.header.frame_id, cloud.header.stamp) == ("odom", stamp)
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "num_seen"]
    rows = np.frombuffer(cloud.data, [("xyz", "<f4", 3), ("num_seen", "<u4")])
    assert len(rows) == cloud.width > 100
    truth = se3.transform(T_BODY_OPTICAL, world.points)
    distance = np.linalg.norm(rows["xyz"][:, None] - truth[None], axis=2).min(axis=1)
    assert np.median(distance) < 0.05

    marker, lines = corners(probe.heard["keyframes"][-1])
    assert 1 < rows["num_seen"].max() <= len(lines) // 8
    assert (marker.ns, marker.type, marker.header.frame_id) == ("keyframes", 5, "odom")
    assert len(lines) % 8 == 0
    apexes = lines[4::8, 1]
    positions = np.array([T[:3, 3] for T in path]) @ T_BODY_OPTICAL[:3, :3].T
    distance = np.linalg.norm(apexes[:, None] - positions[None], axis=2).min(axis=1)
    assert distance.max() < 0.02

    marker, lines = corners(probe.heard["tracks"][-1])
    assert marker.action == Marker.ADD
    _, T_odom_base = poses(probe.heard["odometry"][-1:])
    T_odom_camera = T_odom_base[0] @ T_BODY_OPTICAL
    drawn = se3.transform(se3.inverse(T_odom_camera), lines.reshape(-1, 3))
    np.testing.assert_allclose(drawn[:, 2], 0.2, atol=1e-9)
    moved_px = np.diff((drawn[:, :2] / 0.2 * 500.0).reshape(-1, 2, 2), axis=1)
    assert np.median(moved_px[..., 0]) < -3  # the camera goes right


def test_vins_gets_what_its_front_end_would_send(processes, probe):
    topics = {"vins_tracks": PointCloud, "matches": Matches}
    sender = start_tracker(processes, probe, topics=topics, vins_max_tracks=100)
    world, path = room(), sideways(5)
    for index, T in enumerate(path):
        sender.send(world.see(T), index)
    # The first image has no tracks.
    probe.wait_until(lambda: len(probe.heard["vins_tracks"]) == len(path) - 1, "vins_tracks")
    cloud, matches = probe.heard["vins_tracks"][-1], probe.heard["matches"][-1]
    assert cloud.header == matches.header
    assert [channel.name for channel in cloud.channels] == [
        "id_of_point",
        "u_of_point",
        "v_of_point",
        "velocity_x_of_point",
        "velocity_y_of_point",
    ]
    ids, u, v, velocity_x, velocity_y = (np.array(channel.values) for channel in cloud.channels)
    points = np.array([[p.x, p.y, p.z] for p in cloud.points])
    assert len(points) == len(ids) == 100
    assert (points[:, 2] == 1).all()
    row = {track: index for index, track in enumerate(matches.track_ids)}
    rows = np.array([row[int(track)] for track in ids])
    assert np.array(matches.inliers)[rows].all()
    lengths = np.array(matches.track_lengths)
    assert lengths[rows].min() >= np.sort(lengths[np.array(matches.inliers) == 1])[-100]
    before, now = (
        np.reshape(pixels, (-1, 2))[rows]
        for pixels in (matches.keypoints_previous, matches.keypoints_current)
    )
    np.testing.assert_array_equal(np.column_stack([u, v]), now)
    centre, focal = K[:2, 2], K[0, 0]
    np.testing.assert_allclose(points[:, :2], (now - centre) / focal, atol=1e-6)
    expected = (now - before) / focal / (FRAME_NS * 1e-9)
    np.testing.assert_allclose(np.column_stack([velocity_x, velocity_y]), expected, atol=1e-4)


def test_a_single_camera_gets_metres_from_another_odometry(processes, probe):
    sender = start_tracker(processes, probe, "mono", scale_source="odometry", scale_part_m=0.15)
    reference = probe.publisher(Odometry, "scale_odometry")
    probe.wait_for_subscribers(reference)
    world, path = room(), sideways(40)
    # An odometry of the same base, in a frame of its own.
    T_wheels_odom = se3.exp(np.array([5.0, -3.0, 0.0, 0.0, 0.0, 1.0]))
    truth = [T_BODY_OPTICAL @ T @ se3.inverse(T_BODY_OPTICAL) for T in path]
    states = []
    for index, T in enumerate(path):
        header = Header(stamp=ns_to_stamp(10**9 + index * FRAME_NS), frame_id="wheels")
        message = Odometry(header=header)
        message.pose.pose = pose_to_message(T_wheels_odom @ truth[index])
        reference.publish(message)
        status = sender.send(world.see(T), index)
        states.append(status.state)
        if not probe.heard["odometry"] and "scale" in status.reason:
            assert "scale_odometry" in status.reason
            assert status.state == OdometryStatus.INITIALISING
    assert states[0] == OdometryStatus.INITIALISING
    assert set(states[-15:]) == {OdometryStatus.TRACKING}
    probe.wait_until(lambda: len(probe.heard["odometry"]) >= 15, "poses in metres")
    messages = probe.heard["odometry"][-15:]
    stamps, said = poses(messages)
    first, last = ((stamp - 10**9) // FRAME_NS for stamp in (stamps[0], stamps[-1]))
    length = np.linalg.norm(said[-1][:3, 3] - said[0][:3, 3])
    length_true = np.linalg.norm(truth[last][:3, 3] - truth[first][:3, 3])
    assert length == pytest.approx(length_true, rel=0.05)
    speed = messages[-1].twist.twist.linear
    assert np.linalg.norm([speed.x, speed.y, speed.z]) == pytest.approx(1.05, rel=0.25)


def test_a_single_camera_gets_metres_from_its_height_above_the_ground(processes, probe):
    sender = start_tracker(
        processes, probe, "mono", scale_source="camera_height", camera_height_m=HEIGHT_M
    )
    generator = np.random.default_rng(0)
    above = generator.uniform([-8, -4, 3], [14, HEIGHT_M, 14], (700, 3))
    floor = generator.uniform([-8, HEIGHT_M, 2], [14, HEIGHT_M, 12], (900, 3))
    world, path = World(np.vstack([above, floor])), sideways(40, 0.15)
    reasons = set()
    for index, T in enumerate(path):
        reasons.add(sender.send(world.see(T), index).reason)
    assert any("shown the ground: 1, needed: 3" in reason for reason in reasons)
    assert sender.statuses[-1].state == OdometryStatus.TRACKING
    probe.wait_until(lambda: len(probe.heard["odometry"]) >= 10, "poses in metres")
    stamps, said = poses(probe.heard["odometry"][-10:])
    first, last = ((stamp - 10**9) // FRAME_NS for stamp in (stamps[0], stamps[-1]))
    length = np.linalg.norm(said[-1][:3, 3] - said[0][:3, 3])
    length_true = np.linalg.norm(path[last][:3, 3] - path[first][:3, 3])
    assert length == pytest.approx(length_true, rel=0.06)


def test_the_height_of_the_camera_must_be_given(processes):
    processes.start("tracker_node", camera_transform="optical", scale_source="camera_height")
    assert processes.wait("tracker_node") == 1
    log = processes.log("tracker_node")
    assert "Traceback" not in log
    assert all(word in log for word in ("scale_source", "camera_height_m is 0", "give"))


def test_a_scale_source_needs_a_single_camera(processes):
    processes.start(
        "tracker_node",
        odometry__sensor="rgbd",
        camera_transform="optical",
        scale_source="odometry",
    )
    assert processes.wait("tracker_node") == 1
    log = processes.log("tracker_node")
    assert "Traceback" not in log
    assert all(word in log for word in ("scale_source", "'odometry'", "'rgbd'", "'none'"))
