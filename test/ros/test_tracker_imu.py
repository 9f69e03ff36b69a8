"""The orientation of an inertial sensor beside the images."""

import pytest
import torch
from aliked_ros.msg import OdometryStatus
from geometry_msgs.msg import Quaternion
from point_world import room, sideways
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu
from std_msgs.msg import Header
from tracker_sender import FRAME_NS, start_tracker

from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp

# The sensor is turned against the base, and its north is not that of odom.
R_BASE_IMU = Rotation.from_euler("z", 90, degrees=True).as_matrix()
R_INERTIAL_ODOM = Rotation.from_euler("z", 130, degrees=True).as_matrix()
TRANSFORM = "0.1 0 0 0 0 0.70710678 0.70710678"
COVERED, DIFFERENCE = "images with an imu orientation", "imu and images differ (deg per image)"


@pytest.fixture
def begin(processes, probe):
    def begin(**parameters):
        sender = start_tracker(processes, probe, use_imu=True, **parameters)
        publisher = probe.publisher(Imu, "imu", 100)
        probe.wait_for_subscribers(publisher)
        return sender, publisher

    return begin


def imu_message(stamp_ns, R_world_camera, has_orientation=True):
    R_odom_base = T_BODY_OPTICAL[:3, :3] @ R_world_camera @ T_BODY_OPTICAL[:3, :3].T
    x, y, z, w = Rotation.from_matrix(R_INERTIAL_ODOM @ R_odom_base @ R_BASE_IMU).as_quat()
    message = Imu(header=Header(stamp=ns_to_stamp(stamp_ns), frame_id="imu"))
    message.orientation = Quaternion(x=x, y=y, z=z, w=w)
    message.orientation_covariance[0] = 0.01 if has_orientation else -1.0
    return message


def walk(sender, publisher, num_frames, thinned=(), has_orientation=True):
    """Send images and, between and at them, orientations; return the states."""
    world, path, states = room(), sideways(num_frames), []
    for index, T in enumerate(path):
        stamp_ns = 10**9 + index * FRAME_NS
        for offset_ns in (-5_000_000, 5_000_000):
            publisher.publish(imu_message(stamp_ns + offset_ns, T[:3, :3], has_orientation))
        features, depths_m = world.see(T)
        if index in thinned:
            features, depths_m = features.select(torch.arange(len(features)) < 14), depths_m[:14]
        states.append(sender.send((features, depths_m), index).state)
    return states


def values(probe):
    return {item.key: item.value for item in probe.heard["/diagnostics"][-1].status[0].values}


def test_orientations_reach_the_estimator_through_the_mount(begin, probe):
    sender, publisher = begin(imu_transform=TRANSFORM)
    states = walk(sender, publisher, 40, thinned=(30,))
    # An image of few points is tracked, because its orientation is known and fits.
    assert set(states) == {OdometryStatus.TRACKING}
    assert sender.statuses[30].num_inliers < 15
    probe.wait_until(lambda: values(probe)[COVERED].endswith("of 40"), "40 images")
    assert int(values(probe)[COVERED].split()[0]) >= 38
    assert float(values(probe)[DIFFERENCE]) < 0.3


def test_a_sensor_without_orientation_is_named_and_does_no_harm(begin, probe):
    sender, publisher = begin(imu_transform="base")
    states = walk(sender, publisher, 5, has_orientation=False)
    assert set(states) == {OdometryStatus.TRACKING}
    probe.wait_until(
        lambda: "orientation_covariance[0] is -1"
        in probe.heard["/diagnostics"][-1].status[0].message,
        "the warning",
    )
    assert values(probe)[COVERED].startswith("0 of")
    assert int(values(probe)["imu messages without orientation"]) >= 8


def test_a_transform_that_is_none_is_refused(processes):
    processes.start(
        "tracker_node", camera_transform="optical", use_imu=True, imu_transform="optical"
    )
    assert processes.wait("tracker_node") == 1
    log = processes.log("tracker_node")
    assert "Traceback" not in log
    assert "imu_transform is 'optical': give 'base'" in log
