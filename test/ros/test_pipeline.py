"""Player, extractor, tracker, overlay and recorder as real processes on a rendered room."""

from importlib.util import find_spec

import numpy as np
import pytest
from aliked_ros.msg import Features, Matches, OdometryStatus
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry, Path
from pipeline_runs import NUM_FRAMES, play, poses, wait_for_recording
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from aliked_ros.datasets import tum_rows
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.geometry import se3
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.conversions.poses import (
    transform_from_message,
    transform_from_values,
    transform_to_message,
)
from aliked_ros.nodes.base.qos import LATCHED_QOS

SECOND_NS = 10**9


def ate_m(tmp_path, room, messages, offset_ns, with_scale=False):
    """Return the aligned error of the odometry against the renderer's exact poses."""
    stamps, T_odom_base = poses(messages)
    T_odom_camera = [T @ se3.T_BODY_OPTICAL for T in T_odom_base]
    estimate, truth = tmp_path / "estimate.txt", tmp_path / "truth.txt"
    tum_rows.write(estimate, zip([ns - offset_ns for ns in stamps], T_odom_camera, strict=True))
    tum_rows.write(
        truth, zip(room.stamps_ns.tolist(), room.ground_truth.T_world_camera, strict=True)
    )
    return compare_files(estimate, truth, with_scale=with_scale).score.ate_rmse_m


def test_rgbd_odometry_is_metric_and_every_output_carries_the_stamp_of_its_image(
    processes, probe, network_parameters, room, tum_folder, tmp_path
):
    for message_type, topic in (
        (Odometry, "odometry"),
        (OdometryStatus, "status"),
        (Matches, "matches"),
        (Features, "features"),
        (TFMessage, "/tf"),
    ):
        probe.listen(message_type, topic)
    probe.listen(TFMessage, "/tf_static", LATCHED_QOS)
    probe.listen(Path, "path", LATCHED_QOS)
    report = play(
        processes, probe, network_parameters, tum_folder, "rgbd", tmp_path / "report.json"
    )

    assert (report["sent"], report["answered"]) == (NUM_FRAMES, NUM_FRAMES)
    assert report["stamp_offset_s"] == 1.0
    expected = (room.stamps_ns + SECOND_NS).tolist()
    heard = probe.heard
    for topic in ("odometry", "status", "matches", "features"):
        probe.wait_until(lambda topic=topic: len(heard[topic]) == NUM_FRAMES, topic)
        assert [stamp_to_ns(message.header.stamp) for message in heard[topic]] == expected
    assert {message.state for message in heard["status"]} == {OdometryStatus.TRACKING}

    odometry = heard["odometry"]
    assert {(one.header.frame_id, one.child_frame_id) for one in odometry} == {
        ("odom", "base_link")
    }
    assert ate_m(tmp_path, room, odometry, SECOND_NS) < 0.03
    travelled_m = np.linalg.norm(poses(odometry)[1][-1][:3, 3])
    true_m = np.linalg.norm(
        (se3.inverse(room.ground_truth.T_world_camera[0]) @ room.ground_truth.T_world_camera[-1])[
            :3, 3
        ]
    )
    assert travelled_m == pytest.approx(true_m, rel=0.05)
    for message in odometry:
        assert np.linalg.eigvalsh(np.reshape(message.pose.covariance, (6, 6))).min() > -1e-12

    probe.wait_until(lambda: len(heard["/tf"]) >= NUM_FRAMES, "/tf")
    transforms = [message.transforms[0] for message in heard["/tf"]]
    assert len(transforms) == NUM_FRAMES
    np.testing.assert_allclose(
        [transform_from_message(one.transform) for one in transforms], poses(odometry)[1]
    )
    mount = heard["/tf_static"][0].transforms[0]
    assert (mount.header.frame_id, mount.child_frame_id) == ("base_link", "camera_optical_frame")
    np.testing.assert_allclose(
        transform_from_message(mount.transform), se3.T_BODY_OPTICAL, atol=1e-12
    )
    probe.wait_until(lambda: heard["path"] and len(heard["path"][-1].poses) == NUM_FRAMES, "path")


def test_matches_name_rows_of_the_two_features_messages_and_ids_persist(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    probe.listen(Matches, "matches")
    probe.listen(Features, "features")
    play(processes, probe, network_parameters, tum_folder, "mono", tmp_path / "report.json")
    for topic in ("features", "matches"):
        probe.wait_until(lambda topic=topic: len(probe.heard[topic]) == NUM_FRAMES, topic)
    keypoints = {
        stamp_to_ns(message.header.stamp): np.reshape(message.keypoints, (-1, 2))
        for message in probe.heard["features"]
    }
    first, *others = probe.heard["matches"]
    assert len(first.track_ids) == 0
    ids_before, lengths_before = {}, {}
    for message in others:
        now, before = stamp_to_ns(message.header.stamp), stamp_to_ns(message.previous_stamp)
        np.testing.assert_array_equal(
            np.reshape(message.keypoints_current, (-1, 2)), keypoints[now][message.indices_current]
        )
        np.testing.assert_array_equal(
            np.reshape(message.keypoints_previous, (-1, 2)),
            keypoints[before][message.indices_previous],
        )
        assert len(set(message.track_ids)) == len(message.track_ids) > 50
        rows = zip(
            message.indices_previous,
            message.indices_current,
            message.track_ids,
            message.track_lengths,
            strict=True,
        )
        ids, lengths = {}, {}
        for previous, current, track, length in rows:
            if previous in ids_before:
                assert ids_before[previous] == track
                assert length == lengths_before[previous] + 1
            else:
                assert length == 2
            ids[current], lengths[current] = track, length
        ids_before, lengths_before = ids, lengths
    assert max(lengths_before.values()) > 5


def test_stereo_odometry_is_metric(
    processes, probe, network_parameters, room, kitti_folder, tmp_path
):
    probe.listen(Odometry, "odometry")
    report = play(
        processes, probe, network_parameters, kitti_folder, "stereo", tmp_path / "report.json"
    )
    assert report["answered"] == NUM_FRAMES
    probe.wait_until(lambda: len(probe.heard["odometry"]) == NUM_FRAMES, "odometry")
    assert ate_m(tmp_path, room, probe.heard["odometry"], SECOND_NS) < 0.05


def test_overlay_and_recorder_write_what_was_seen(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    out = tmp_path / "out"
    processes.start("overlay_node")
    processes.start("recorder_node", output_dir=out, picture_period=5)
    probe.listen(Odometry, "odometry")
    probe.listen(Image, "overlay")
    # It subscribes when it has noticed that somebody looks.
    for topic in ("image_raw", "matches"):
        probe.wait_until(
            lambda topic=topic: probe.node.count_subscribers(topic), f"the overlay at {topic}"
        )
    play(processes, probe, network_parameters, tum_folder, "rgbd", tmp_path / "report.json")
    pictures = probe.heard["overlay"]
    probe.wait_until(lambda: pictures, "pictures")
    wait_for_recording(probe, out)
    assert {(one.width, one.height, one.encoding) for one in pictures} == {(320, 240, "rgb8")}
    for name in ("recorder_node", "overlay_node", "tracker_node", "extractor_node"):
        assert processes.interrupt(name) == 0, processes.log(name)

    recorded = tum_rows.read(out / "trajectory.txt")
    stamps, T_odom_base = poses(probe.heard["odometry"])
    assert recorded.stamps_ns.tolist() == stamps
    np.testing.assert_allclose(recorded.T_world_camera, T_odom_base, atol=1e-8)
    assert len((out / "status.csv").read_text().splitlines()) == NUM_FRAMES + 1


def test_a_frame_that_cannot_be_read_is_skipped_and_counted(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    broken = tmp_path / "broken"
    for name in ("rgb", "depth"):
        (broken / name).mkdir(parents=True)
        for path in (tum_folder / name).iterdir():
            (broken / name / path.name).write_bytes(path.read_bytes())
    for path in tum_folder.glob("*.*"):
        (broken / path.name).write_bytes(path.read_bytes())
    image = sorted((broken / "rgb").iterdir())[7]
    image.write_bytes(image.read_bytes()[:1000])
    report = play(processes, probe, network_parameters, broken, "rgbd", tmp_path / "report.json")
    assert (report["sent"], report["unreadable"]) == (NUM_FRAMES - 1, 1)
    assert report["answered"] == NUM_FRAMES - 1
    assert image.name in processes.log("player_node")


def test_without_a_place_on_the_robot_frames_wait_and_nothing_is_invented(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    probe.listen(OdometryStatus, "status")
    probe.listen(Odometry, "odometry")
    probe.listen(DiagnosticArray, "/diagnostics")
    parameters = {"camera_transform": ""}
    if find_spec("tf2_ros") is None:
        processes.start("tracker_node", **parameters)
        assert processes.wait("tracker_node") == 1
        log = processes.log("tracker_node")
        assert "Traceback" not in log
        assert "camera_transform" in log
        assert "tf2_ros" in log
        return
    play(
        processes, probe, network_parameters, tum_folder, "mono", tmp_path / "r.json", **parameters
    )
    assert {message.state for message in probe.heard["status"]} == {OdometryStatus.INITIALISING}
    assert "camera_transform" in probe.heard["status"][-1].reason
    assert probe.heard["odometry"] == []


def test_the_cameras_place_is_taken_from_tf(
    processes, probe, network_parameters, room, tum_folder, tmp_path
):
    pytest.importorskip("tf2_ros", reason="tf2_ros comes with a distribution's ROS")
    T_base_camera = transform_from_values([0.3, -0.1, 0.5, -0.5, 0.5, -0.5, 0.5])
    mount = TransformStamped(child_frame_id="camera_optical_frame")
    mount.header.frame_id = "base_link"
    mount.transform = transform_to_message(T_base_camera)
    publisher = probe.publisher(TFMessage, "/tf_static", LATCHED_QOS)
    publisher.publish(TFMessage(transforms=[mount]))
    probe.listen(Odometry, "odometry")
    play(
        processes,
        probe,
        network_parameters,
        tum_folder,
        "rgbd",
        tmp_path / "report.json",
        camera_transform="",
    )
    probe.wait_until(lambda: len(probe.heard["odometry"]) == NUM_FRAMES, "odometry")
    by_tf = poses(probe.heard["odometry"])[1]
    np.testing.assert_allclose(by_tf[0], np.eye(4), atol=1e-9)
    moved = se3.inverse(T_base_camera) @ by_tf[-1] @ T_base_camera
    truth = room.ground_truth.T_world_camera
    np.testing.assert_allclose(moved, se3.inverse(truth[0]) @ truth[-1], atol=0.03)
