import json

import cv2
import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.nodes.base.conversions.cameras import image_from_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.synthetic.room import SyntheticRoom

NUM_FRAMES = 6
CAMERA_INFO = """
image_width: 64
image_height: 48
camera_name: test
camera_matrix: {rows: 3, cols: 3, data: [50, 0, 32, 0, 51, 24, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0.01, 0.02, 0.3]}
"""


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    generator = np.random.default_rng(0)
    for index in range(NUM_FRAMES):
        pixels = generator.integers(0, 256, (48, 64), np.uint8)
        cv2.imwrite(str(images / f"{index:03d}.png"), pixels)
    (images / "camera_info.yaml").write_text(CAMERA_INFO)
    return images


def listen_and_play(processes, probe, folder, clock=False, **parameters):
    """Play to a listener that the player knows; return the images."""
    topics = {"image_raw": Image, "camera_info": CameraInfo} | ({"/clock": Clock} if clock else {})
    for topic, message_type in topics.items():
        probe.listen(message_type, topic)
    options = {"dataset": folder, "rate": 5.0, "settle_s": 0.0, "clock": clock, **parameters}
    processes.start("player_node", autostart=False, **options)
    change_state(probe, Transition.TRANSITION_CONFIGURE)
    probe.wait_for_publishers()
    change_state(probe, Transition.TRANSITION_ACTIVATE)
    assert processes.wait("player_node") == 0, processes.log("player_node")
    for topic in topics:
        probe.wait_until(lambda topic=topic: len(probe.heard[topic]) == NUM_FRAMES, topic)
    return probe.heard["image_raw"]


def change_state(probe, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    assert probe.call(ChangeState, "/aliked_player/change_state", request).success


def test_a_folder_of_images_is_played_with_stamps_above_zero_and_its_calibration(
    processes, probe, folder, tmp_path
):
    report = tmp_path / "report.json"
    images = listen_and_play(processes, probe, folder, report=report, clock=True)
    stamps = [stamp_to_ns(message.header.stamp) for message in images]
    assert stamps[0] == 10**9
    assert np.all(np.diff(stamps) > 0)
    for message, path in zip(images, sorted(folder.glob("*.png")), strict=True):
        np.testing.assert_array_equal(
            image_from_message(message), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        )
    info = probe.heard["camera_info"][0]
    assert info.header == images[0].header
    assert (info.width, info.height, info.distortion_model) == (64, 48, "plumb_bob")
    np.testing.assert_allclose(info.k, [50, 0, 32, 0, 51, 24, 0, 0, 1])
    np.testing.assert_allclose(info.d, [0.1, -0.2, 0.01, 0.02, 0.3])
    assert [stamp_to_ns(message.clock) for message in probe.heard["/clock"]] == stamps
    played = json.loads(report.read_text())
    assert (played["sent"], played["answered"], played["stamp_offset_s"]) == (NUM_FRAMES, 0, 1.0)


def test_what_is_left_out_and_what_is_odd_is_said_and_reported(processes, probe, tmp_path):
    write_tum(SyntheticRoom(width=64, height=48, num_frames=NUM_FRAMES), tmp_path / "tum")
    broken = sorted((tmp_path / "tum" / "depth").glob("*.png"))[2]
    cv2.imwrite(str(broken), np.ones((24, 32), np.uint16))
    report = tmp_path / "report.json"
    options = {"read__depth_scale": 2.0, "sensor": "rgbd", "report": report}
    listen_and_play(processes, probe, tmp_path / "tum", **options)
    played = json.loads(report.read_text())
    (left_out,) = played["left_out"].items()
    assert left_out == (
        "the depth image is 32x24, the calibration is for 64x48: register the depth to the image",
        1,
    )
    assert any("read.depth_scale" in remark for remark in played["remarks"])
    log = processes.log("player_node")
    assert log.count("left out: the depth image is 32x24") == 1
    assert all(remark in log for remark in played["remarks"])


def test_stamps_can_be_the_time_of_sending(processes, probe, folder):
    before_ns = probe.node.get_clock().now().nanoseconds
    images = listen_and_play(processes, probe, folder, stamps="now")
    after_ns = probe.node.get_clock().now().nanoseconds
    assert all(before_ns < stamp_to_ns(message.header.stamp) < after_ns for message in images)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, ["dataset is empty"]),
        ({"dataset": "/nowhere"}, ["/nowhere", "does not exist"]),
        ({"dataset": "synthetic", "sensor": "sonar"}, ["sensor is 'sonar'", "stereo"]),
        ({"dataset": "synthetic", "rate": -1.0}, ["rate is -1.0"]),
        ({"dataset": "synthetic", "read__layout": "kiti"}, ["layout is 'kiti'", "kitti"]),
        ({"dataset": "synthetic", "stamps": "tomorrow"}, ["'tomorrow'", "now"]),
    ],
)
def test_a_bad_start_ends_with_one_clear_line(processes, parameters, words):
    processes.start("player_node", **parameters)
    assert processes.wait("player_node") == 1
    log = processes.log("player_node")
    assert "Traceback" not in log
    assert all(word in log for word in words), log


def test_depth_that_is_left_out_is_said_and_counted(processes, probe, tmp_path):
    for kind in ("rgb", "depth"):
        (tmp_path / kind).mkdir()
    for index in range(NUM_FRAMES):
        cv2.imwrite(str(tmp_path / "rgb" / f"{index}.png"), np.full((48, 64), 90, np.uint8))
        depth = np.full((48, 64) if index % 2 else (24, 32), 5000, np.uint16)
        cv2.imwrite(str(tmp_path / "depth" / f"{index}.png"), depth)
    for name, kind in (("rgb.txt", "rgb"), ("depth.txt", "depth")):
        rows = [f"{1 + index / 10} {kind}/{index}.png" for index in range(NUM_FRAMES)]
        (tmp_path / name).write_text("\n".join(rows))
    (tmp_path / "camera_info.yaml").write_text(CAMERA_INFO)
    report = tmp_path / "report.json"
    listen_and_play(processes, probe, tmp_path, report=report)
    assert sum(json.loads(report.read_text())["left_out"].values()) == NUM_FRAMES // 2
    assert "depth image is 32x24" in processes.log("player_node")


def test_ctrl_c_ends_a_player_that_waits_without_a_word_of_an_error(processes, probe):
    processes.start("player_node", dataset="synthetic")

    def is_active():
        name = "/aliked_player/get_state"
        return probe.call(GetState, name, GetState.Request()).current_state.label == "active"

    probe.wait_until(is_active, "the player to wait")
    assert processes.interrupt("player_node") == 0
    # Of ourselves it may say that we were not known yet when it answered; we asked again.
    lines = [
        line
        for line in processes.log("player_node").splitlines()
        if "client will not receive response" not in line
    ]
    assert [line for line in lines if not line.startswith("[INFO]")] == []
    assert "played: " in lines[-1]
