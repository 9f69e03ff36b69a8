"""Extractor and tracker in one process, beside the same two in processes of their own."""

import numpy as np
import pytest
import torch
from aliked_ros.msg import Features, Matches, OdometryStatus
from diagnostic_msgs.msg import DiagnosticArray
from lightglue_world import random_state
from nav_msgs.msg import Odometry
from pipeline_runs import NUM_FRAMES, play, poses, wait_for_recording
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from aliked_ros.datasets import tum_rows
from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp

TOPICS = {
    "odometry": Odometry,
    "status": OdometryStatus,
    "matches": Matches,
    "features": Features,
}
NOT_TIMES = ("state", "motion", "num_keypoints", "num_matches", "num_inliers", "is_keyframe")


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_one_process_says_what_two_processes_say(
    sensor, processes, probe, network_parameters, tum_folder, kitti_folder, tmp_path
):
    folder = kitti_folder if sensor == "stereo" else tum_folder
    for topic, message_type in TOPICS.items():
        probe.listen(message_type, topic)
    heard = []
    for executables in (("extractor_node", "tracker_node"), ("composed_node",)):
        is_composed = len(executables) == 1
        report = tmp_path / f"{is_composed}.json"
        # The map is adjusted beside the frames, at no fixed time: without, a run repeats exactly.
        played = play(
            processes, probe, network_parameters, folder, sensor, report, is_composed,
            odometry__window_size=1,
        )  # fmt: skip
        assert (played["sent"], played["unanswered"]) == (NUM_FRAMES, 0)
        for topic in TOPICS:
            probe.wait_until(lambda topic=topic: len(probe.heard[topic]) == NUM_FRAMES, topic)
        heard.append({topic: list(probe.heard[topic]) for topic in TOPICS})
        for topic in TOPICS:
            probe.heard[topic].clear()
        for name in executables:
            assert processes.interrupt(name) == 0, processes.log(name)
        probe.wait_until(lambda: not any(probe.num_publishers.values()), "the nodes to be gone")

    separate, composed = heard
    for one, other in zip(separate["features"], composed["features"], strict=True):
        assert one.header == other.header
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.descriptors, other.descriptors)
    for one, other in zip(separate["matches"], composed["matches"], strict=True):
        assert one == other
    for one, other in zip(separate["status"], composed["status"], strict=True):
        assert [getattr(one, name) for name in NOT_TIMES] == [
            getattr(other, name) for name in NOT_TIMES
        ]
        assert one.max_keypoints == other.max_keypoints == 1000
    (stamps0, T0), (stamps1, T1) = (poses(run["odometry"]) for run in heard)
    assert stamps0 == stamps1
    assert len(stamps0) == NUM_FRAMES
    np.testing.assert_allclose(T0, T1, atol=1e-12)


def test_overlay_recorder_and_player_work_with_one_process_and_every_stage_is_timed(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    out = tmp_path / "out"
    processes.start("overlay_node")
    processes.start("recorder_node", output_dir=out, picture_period=5)
    probe.listen(Odometry, "odometry")
    probe.listen(OdometryStatus, "status")
    probe.listen(Image, "overlay")
    # It subscribes when it has noticed that somebody looks.
    for topic in ("image_raw", "matches"):
        probe.wait_until(
            lambda topic=topic: probe.node.count_subscribers(topic), f"the overlay at {topic}"
        )
    report = tmp_path / "report.json"
    play(processes, probe, network_parameters, tum_folder, "rgbd", report, True, num_subscribers=2)
    # The newest image wins: how many are drawn is a matter of the machine's speed.
    probe.wait_until(lambda: probe.heard["overlay"], "pictures")
    wait_for_recording(probe, out)
    assert processes.interrupt("recorder_node") == 0
    recorded = tum_rows.read(out / "trajectory.txt")
    assert recorded.stamps_ns.tolist() == poses(probe.heard["odometry"])[0]
    stages = ("transport", "wait", "decode", "extract", "handover", "depth", "match", "estimate")
    for status in probe.heard["status"][1:]:
        assert all(0 < getattr(status, f"{stage}_ms") < 10_000 for stage in stages)


@pytest.fixture
def composed(processes, probe, network_parameters):
    """Start the process as stereo; return a function that sends it an image."""
    processes.start(
        "composed_node",
        **network_parameters,
        camera_transform="optical",
        odometry__sensor="stereo",
    )
    images = probe.publisher(Image, "image_raw")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_for_subscribers(images)
    probe.wait_until(lambda: values_of(probe, "aliked_tracker"), "the tracker's diagnostics")
    return images.publish


def values_of(probe, name):
    """Return the newest diagnostics of a node."""
    found = [
        status
        for message in probe.heard["/diagnostics"]
        for status in message.status
        if status.name == f"{name}: frames"
    ]
    return {item.key: item.value for item in found[-1].values} if found else {}


def test_both_nodes_keep_names_services_and_counts_and_nothing_is_subscribed_twice(
    composed, probe, network_parameters
):
    for name, parameter in (
        ("aliked_extractor", "extractor.model"),
        ("aliked_tracker", "odometry.sensor"),
    ):
        request = GetParameters.Request(names=[parameter])
        values = probe.call(GetParameters, f"/{name}/get_parameters", request).values
        assert values[0].string_value in {network_parameters["extractor__model"], "stereo"}
    for topic in ("image_raw", "right/image_raw"):
        probe.wait_until(lambda topic=topic: probe.node.count_subscribers(topic), topic)
    subscribers = {
        topic: probe.node.count_subscribers(topic)
        for topic in ("image_raw", "right/image_raw", "features")
    }
    assert subscribers == {"image_raw": 1, "right/image_raw": 1, "features": 0}

    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    for index, encoding in enumerate(("hsv8", "rgb8")):
        header = Header(stamp=ns_to_stamp((1 + index) * 10**9), frame_id="camera")
        message = image_to_message(image, header)
        message.encoding = encoding
        composed(message)
        probe.wait_until(
            lambda count=index + 1: (
                values_of(probe, "aliked_extractor").get("received") == str(count)
            ),
            "the image to be counted",
        )
    probe.wait_until(
        lambda: values_of(probe, "aliked_extractor")["processed"] == "1", "the second image"
    )
    assert values_of(probe, "aliked_extractor")["skipped, undecodable"] == "1"
    probe.wait_until(
        lambda: values_of(probe, "aliked_tracker")["received"] == "1", "the tracker's features"
    )
    # Without calibration the image waits for it, not for a right image that does not come.
    probe.wait_until(
        lambda: values_of(probe, "aliked_tracker").get("skipped, not ready") == "1",
        "the tracker to go on without a right image",
    )


def test_a_paused_process_extracts_only_for_who_subscribes_and_goes_on_afterwards(composed, probe):
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    probe.listen(OdometryStatus, "status")
    probe.wait_for_publishers()
    sent = []

    def send():
        sent.append(Header(stamp=ns_to_stamp((1 + len(sent)) * 10**9), frame_id="camera"))
        composed(image_to_message(image, sent[-1]))

    def wait_for(key, value):
        probe.wait_until(
            lambda: values_of(probe, "aliked_extractor").get(key) == value, f"{key}: {value}"
        )

    def ask(name):
        answer = probe.call(Trigger, f"/aliked_tracker/{name}", Trigger.Request())
        assert answer.success, answer.message

    send()
    wait_for("processed", "1")
    probe.wait_until(lambda: probe.heard["status"], "the status of an image without a partner")
    ask("pause")
    for count in (2, 3):
        send()
        # Every image is answered, though no features were looked for.
        probe.wait_until(lambda count=count: len(probe.heard["status"]) == count, "the status")
        assert probe.heard["status"][-1].state == OdometryStatus.PAUSED
        assert probe.heard["status"][-1].header == sent[-1]
    wait_for("skipped, tracker is paused", "2")
    assert values_of(probe, "aliked_extractor")["processed"] == "1"

    probe.listen(Features, "features")
    probe.wait_for_publishers()
    send()
    probe.wait_until(lambda: probe.heard["features"], "features for who subscribes")
    wait_for("processed", "2")

    ask("resume")
    send()
    wait_for("processed", "3")
    assert values_of(probe, "aliked_extractor")["skipped, tracker is paused"] == "2"


def test_the_process_ends_cleanly_in_the_middle_of_the_work(composed, probe, processes):
    info = probe.publisher(CameraInfo, "camera_info")
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    for index in range(20):
        header = Header(stamp=ns_to_stamp((1 + index) * 10**9), frame_id="camera")
        info.publish(CameraInfo(header=header))
        composed(image_to_message(image, header))
    assert processes.interrupt("composed_node") == 0
    assert "Traceback" not in processes.log("composed_node")


@pytest.mark.parametrize(
    ("arguments", "parameters", "words"),
    [
        ([], {"odometry__sensor": "sonar"}, ["sensor", "'sonar'", "stereo"]),
        ([], {"extractor__model": "aliked-n17"}, ["model", "'aliked-n17'"]),
        (
            [],
            {"matcher__kind": "lightglue", "matcher__weights": "absent.pth"},
            ["matcher.weights is 'absent.pth'", "no such file", "'nearest'"],
        ),
        (["-r", "__node:=same"], {"extractor__weights": "seed:0"}, ["both nodes", "same"]),
    ],
)
def test_a_bad_start_of_either_node_ends_with_one_clear_line(
    processes, arguments, parameters, words
):
    processes.start("composed_node", *arguments, camera_transform="optical", **parameters)
    assert processes.wait("composed_node") == 1
    log = processes.log("composed_node")
    assert "Traceback" not in log
    assert all(word in log for word in words), log


def test_a_network_whose_descriptors_the_matcher_cannot_take_is_refused_at_the_start(
    processes, network_parameters, tmp_path
):
    torch.save(random_state(1), tmp_path / "own.pth")
    processes.start(
        "composed_node",
        camera_transform="optical",
        matcher__kind="lightglue",
        matcher__weights=tmp_path / "own.pth",
        **network_parameters,
    )
    assert processes.wait("composed_node") == 1
    log = processes.log("composed_node")
    assert "Traceback" not in log
    assert "descriptors of aliked-t16 have 64 numbers" in log
