"""What the tracker does when asked, beside following the camera."""

import numpy as np
import pytest
from aliked_ros.msg import OdometryStatus
from aliked_ros.srv import ResetToPose
from geometry_msgs.msg import Point, Pose, Quaternion
from point_world import CAMERA, room, sideways
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tracker_sender import start_tracker

from aliked_ros.datasets import tum_rows
from aliked_ros.nodes.base.conversions.cameras import camera_to_message, image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp

START = Pose(
    position=Point(x=1.0, y=-2.0, z=0.5),
    orientation=Quaternion(x=0.0, y=0.0, z=np.sin(np.pi / 4), w=np.cos(np.pi / 4)),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "saved" / "here"


@pytest.fixture
def sender(processes, probe, folder):
    return start_tracker(processes, probe, odometry__window_size=4, output_dir=folder)


def trigger(probe, name):
    answer = probe.call(Trigger, f"/aliked_tracker/{name}", Trigger.Request())
    return answer.success, answer.message


def position(probe):
    p = probe.heard["odometry"][-1].pose.pose.position
    return np.array([p.x, p.y, p.z])


def test_reset_begins_at_the_origin_or_where_the_user_says(sender, probe):
    world, path = room(), sideways(6)
    for index in range(3):
        sender.send(world.see(path[index]), index)
    assert np.linalg.norm(position(probe)) > 0.1

    assert trigger(probe, "reset")[0]
    assert sender.send(world.see(path[2]), 3).state == OdometryStatus.TRACKING
    np.testing.assert_array_equal(position(probe), 0)

    answer = probe.call(
        ResetToPose, "/aliked_tracker/reset_to_pose", ResetToPose.Request(pose=START)
    )
    assert answer.success, answer.message
    # A recording that starts over is no reason to forget where it starts.
    assert sender.send(world.see(path[0]), 0).state == OdometryStatus.TRACKING
    np.testing.assert_allclose(position(probe), [1.0, -2.0, 0.5], atol=1e-9)
    sender.send(world.see(path[5]), 1)
    # The camera goes right, which is -y of a base that has turned to the left: +x of odom.
    moved = position(probe) - [1.0, -2.0, 0.5]
    assert moved[0] == pytest.approx(path[5][0, 3], abs=0.02)

    bad = ResetToPose.Request(pose=Pose(orientation=Quaternion(w=0.0)))
    answer = probe.call(ResetToPose, "/aliked_tracker/reset_to_pose", bad)
    assert not answer.success
    assert "unit quaternion" in answer.message


def test_frames_are_answered_while_paused_and_tracking_goes_on_afterwards(sender, probe):
    world, path = room(), sideways(6)
    before = sender.send(world.see(path[0]), 0)
    sender.send(world.see(path[1]), 1)
    assert trigger(probe, "pause") == (True, "paused: images are skipped until ~/resume")
    assert trigger(probe, "pause") == (True, "paused already")
    num_poses = len(probe.heard["odometry"])
    for index in (2, 3):
        status = sender.send(world.see(path[index]), index)
        assert status.state == OdometryStatus.PAUSED
        assert "resume" in status.reason
        assert status.num_processed == before.num_processed + 1
    assert len(probe.heard["odometry"]) == num_poses
    assert status.num_skipped >= 2

    assert trigger(probe, "resume") == (True, "resumed")
    assert sender.send(world.see(path[4]), 4).state == OdometryStatus.TRACKING
    newest = probe.heard["odometry"][-1]
    assert -position(probe)[1] == pytest.approx(path[4][0, 3], abs=0.02)
    # Nobody knows how it went meanwhile.
    assert newest.twist.twist.linear.y == 0
    assert newest.twist.covariance[0] >= 1e3
    sender.send(world.see(path[5]), 5)
    newest = probe.heard["odometry"][-1]
    assert newest.twist.twist.linear.y == pytest.approx(-1.0, abs=0.2)  # 0.1 m in 0.1 s
    assert 0 < newest.twist.covariance[7] < 0.2**2


def test_trajectory_and_landmarks_are_saved_and_errors_are_clear(sender, probe, folder):
    world, path = room(), sideways(8)
    for name in ("save_trajectory", "save_landmarks"):
        success, message = trigger(probe, name)
        assert not success
        assert "nothing was written" in message
    for index, T in enumerate(path):
        sender.send(world.see(T), index)

    success, message = trigger(probe, "save_trajectory")
    assert success, message
    (file,) = folder.glob("trajectory_*.txt")
    assert message.startswith(f"{file}: 8 poses")
    saved = tum_rows.read(file)
    assert len(saved.stamps_ns) == 8
    np.testing.assert_allclose(saved.T_world_camera[-1][:3, 3], position(probe), atol=1e-8)

    success, message = trigger(probe, "save_landmarks")
    assert success, message
    (file,) = folder.glob("landmarks_*.ply")
    lines = file.read_text().splitlines()
    rows = np.array([line.split() for line in lines[lines.index("end_header") + 1 :]], float)
    assert message.startswith(f"{file}: {len(rows)} landmarks")
    assert len(rows) > 100
    # The base looks along x; the world's points have z forward and x right.
    x, y, z = world.points.T
    truth = np.column_stack([z, -x, -y])
    distance = np.linalg.norm(rows[:, None, :3] - truth[None], axis=2).min(axis=1)
    assert np.median(distance) < 0.05

    assert trigger(probe, "reset")[0]
    assert not trigger(probe, "save_trajectory")[0]
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    sender.send(world.see(path[0]), 0)
    success, message = trigger(probe, "save_trajectory")
    assert not success
    assert str(folder) in message


def test_the_composed_process_has_the_same_services(processes, probe, network_parameters, folder):
    probe.listen(OdometryStatus, "status")
    processes.start(
        "composed_node",
        **network_parameters,
        camera_transform="optical",
        odometry__sensor="rgbd",
        output_dir=folder,
    )
    images = probe.publisher(Image, "image_raw")
    infos = probe.publisher(CameraInfo, "camera_info")
    depths = probe.publisher(Image, "depth/image_raw")
    probe.wait_for_subscribers(images, infos, depths)
    probe.wait_for_publishers()
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    depth_m = np.full((480, 640), 2.0, np.float32)
    info = camera_to_message(CAMERA, Header())

    def send(index):
        header = Header(stamp=ns_to_stamp((1 + index) * 10**9), frame_id="camera")
        count = len(probe.heard["status"])
        infos.publish(info)
        depths.publish(image_to_message(depth_m, header))
        images.publish(image_to_message(image, header))
        probe.wait_until(lambda: len(probe.heard["status"]) > count, f"status {index}")
        return probe.heard["status"][-1]

    assert trigger(probe, "pause")[0]
    assert send(0).state == OdometryStatus.PAUSED
    assert trigger(probe, "resume")[0]
    index = 1
    while send(index).state != OdometryStatus.TRACKING and index < 10:
        index += 1
    success, message = trigger(probe, "save_trajectory")
    assert success, message
    success, message = trigger(probe, "save_landmarks")
    assert success, message
    assert trigger(probe, "reset")[0]
    assert processes.interrupt("composed_node") == 0, processes.log("composed_node")
    assert "Traceback" not in processes.log("composed_node")
