"""The recorder's bag: everything that was on the wire, field by field, and played again."""

import numpy as np
import pytest
from aliked_ros.msg import Features, Matches, OdometryStatus
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from pipeline_runs import NUM_FRAMES, play
from soak.sums import read_settled_sum
from std_msgs.msg import Header

from aliked_ros.__main__ import main
from aliked_ros.datasets import open_sequence

pytest.importorskip("rosbags.rosbag2")

from aliked_ros.datasets.readers.bag_file import BagFile

TOPICS = {
    "/features": Features, "/matches": Matches, "/status": OdometryStatus, "/odometry": Odometry,
}  # fmt: skip


def differing(heard, read):
    """Return the fields, in depth, in which a message of rclpy and one of the bag differ."""
    names = []
    for name in heard.get_fields_and_field_types():
        value, other = getattr(heard, name), getattr(read, name)
        if hasattr(value, "get_fields_and_field_types"):
            names += [f"{name}.{inner}" for inner in differing(value, other)]
        elif not np.array_equal(np.asarray(value), np.asarray(other), equal_nan=_is_float(value)):
            names.append(name)
    return names


def _is_float(value):
    return np.asarray(value).dtype.kind == "f"


def test_a_bag_holds_every_field_of_what_was_published_and_can_be_played_and_reported(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    for topic, message_type in (TOPICS | {"/diagnostics": DiagnosticArray}).items():
        probe.listen(message_type, topic)
    processes.start("recorder_node", format="bag", output_dir=tmp_path / "out")
    report = tmp_path / "r.json"
    # The recorder too: a machine that is busy finds it later than the composed node.
    play(processes, probe, network_parameters, tum_folder, "rgbd", report, True, num_subscribers=2)
    for topic in TOPICS:
        probe.wait_until(lambda topic=topic: len(probe.heard[topic]) == NUM_FRAMES, topic)
    assert read_settled_sum(probe, "aliked_recorder").lost == 0
    assert processes.interrupt("recorder_node") == 0
    (folder,) = (tmp_path / "out").iterdir()
    bag = BagFile(folder)
    for topic in TOPICS:
        read = list(bag.messages(topic))
        assert len(read) == NUM_FRAMES, topic
        for heard, other in zip(probe.heard[topic], read, strict=True):
            assert differing(heard, other) == []
    assert "/right/image_raw" not in bag.topic_types  # nobody published it
    assert len(list(bag.messages("/tf_static"))) == 1
    sequence = open_sequence(folder)
    assert (sequence.sensors, len(sequence)) == (("mono", "rgbd"), NUM_FRAMES)
    assert main(["report", str(folder)]) == 0
    assert "tracked" in (folder / "report.html").read_text()


def test_the_comparison_sees_a_difference():
    assert differing(Header(frame_id="a"), Header(frame_id="b")) == ["frame_id"]


def test_a_recorder_without_rosbags_says_what_to_do(processes, tmp_path):
    (tmp_path / "rosbags.py").write_text("raise ModuleNotFoundError('no rosbags here')")
    path = processes.environment["PYTHONPATH"]
    processes.environment["PYTHONPATH"] = f"{tmp_path}:{path}"
    processes.start("recorder_node", format="bag", output_dir=tmp_path / "out")
    assert processes.wait("recorder_node") == 1
    assert 'pip install "aliked_ros[bags]"' in processes.log("recorder_node")
    assert not (tmp_path / "out").exists()
