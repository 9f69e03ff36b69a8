import threading

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from rclpy.qos import QoSProfile

from aliked_ros.nodes.base.diagnostics import Report
from aliked_ros.nodes.base.silence import Wanted

IMAGES = Wanted("/image_raw", "sensor_msgs/msg/Image", QoSProfile(depth=1))


def test_frames_are_counted_by_what_became_of_them(at, diagnostics):
    for _ in range(6):
        diagnostics.count_received()
    for latency_ms in (10.0, 20.0, 30.0):
        diagnostics.count_processed(latency_ms, match=latency_ms / 10)
    diagnostics.count_skipped("paused")
    diagnostics.count_skipped("paused")
    diagnostics.count_missed(4)
    diagnostics.show("network", lambda: "aliked-n16")
    at(2)
    status, values = diagnostics.read()
    assert status.name == "fake: frames"
    assert status.hardware_id == "cpu"
    assert (values["received"], values["processed"]) == ("6", "3")
    assert (values["skipped, paused"], values["sent and not received"]) == ("2", "4")
    assert (diagnostics.counts.num_processed, diagnostics.counts.num_skipped) == (3, 6)
    assert (values["input rate (Hz)"], values["output rate (Hz)"]) == ("3.00", "1.50")
    assert (values["latency p50 (ms)"], values["match p50 / max (ms)"]) == ("20.0", "2.00 / 3.00")
    assert values["network"] == "aliked-n16"

    at(4)
    assert diagnostics.read()[1]["input rate (Hz)"] == "0.00"  # since the last report


def test_a_problem_is_said_and_shown_for_a_while(at, node, diagnostics):
    diagnostics.count_processed(1.0)
    diagnostics.count_skipped("undecodable", "encoding is 'nv21'")
    at(1)
    status, _ = diagnostics.read()
    assert (status.level, status.message) == (status.WARN, "undecodable: encoding is 'nv21'")
    diagnostics.count_skipped("undecodable", "encoding is 'nv21'")
    assert node.said["warning"] == [status.message]  # once per cause
    at(30)
    status, _ = diagnostics.read()
    assert (status.level, status.message) == (status.OK, "frames are processed")


def test_a_silent_input_is_named_with_who_publishes(at, node, diagnostics):
    diagnostics.watch("/image_raw", IMAGES)
    diagnostics.set_publishers("/image_raw", 1)
    at(1)
    status, values = diagnostics.read()
    assert (status.level, status.message) == (status.OK, "waiting")
    assert values["publishers of /image_raw"] == "1"
    at(6)
    status, _ = diagnostics.read()
    assert status.level == status.WARN
    assert status.message.startswith("nothing from /image_raw for 6 s: nobody publishes /image_raw")
    assert node.said["warning"] == [status.message]


def test_what_came_and_has_stopped_is_stale(at, diagnostics):
    diagnostics.watch("/image_raw", IMAGES)
    diagnostics.watch("the extractor of this process")
    for name in ("/image_raw", "the extractor of this process"):
        diagnostics.heard(name)
    diagnostics.count_received()
    at(4)
    assert diagnostics.read()[0].level == diagnostics.read()[0].OK
    at(9)
    status, values = diagnostics.read()
    assert status.level == status.STALE
    assert "nothing from the extractor of this process for 9 s" in status.message
    assert values["age of the newest frame (s)"] == "9.0"
    diagnostics.watch_nothing()
    assert diagnostics.read()[0].level == status.OK


def test_one_silent_input_of_two_is_worth_a_warning(at, diagnostics):
    diagnostics.watch("/image_raw", IMAGES)
    diagnostics.watch("depth")
    at(9)
    diagnostics.heard("/image_raw")
    diagnostics.count_received()
    status, _ = diagnostics.read()
    assert status.level == status.WARN
    assert "nothing from depth for 9 s" in status.message
    assert "/image_raw" not in status.message


def test_parts_may_add_statuses_facts_and_checks_and_be_gone(node, diagnostics):
    checked = []
    diagnostics.add_report("tracking", lambda: Report(b"\x01", "lost", {"inliers": 4}))
    diagnostics.add_check(lambda: checked.append(1))
    diagnostics.show("network", lambda: "aliked-n16")
    diagnostics.counts.skipped_elsewhere("newer image came", lambda: 7)
    status, values = diagnostics.read(1)
    assert (status.name, status.level, status.message) == ("fake: tracking", b"\x01", "lost")
    assert values == {"inliers": "4"}
    assert checked == [1]
    diagnostics.forget()
    _, values = diagnostics.read()
    assert len(node.published["/diagnostics"][-1].status) == 1
    assert "network" not in values
    assert values["skipped, newer image came"] == "7"  # what was counted stays counted
    assert diagnostics.counts.num_skipped == 7


def test_lost_messages_lead_to_the_profile(node, diagnostics):
    diagnostics.count_missed(0)
    assert not node.said["warning"]
    diagnostics.count_missed(2)
    assert "fastdds_large_images.xml" in node.said["warning"][0]


def test_counts_may_be_read_while_others_count(diagnostics):
    def count():
        for index in range(500):
            diagnostics.count_skipped(str(index))

    thread = threading.Thread(target=count)
    thread.start()
    while thread.is_alive():
        assert diagnostics.counts.num_skipped <= 500
    thread.join()
    assert diagnostics.counts.num_skipped == 500


def test_a_fact_or_a_check_that_fails_does_not_silence_the_rest(node, diagnostics):
    def fail():
        raise OSError("no such device")

    diagnostics.show("temperature", fail)
    diagnostics.add_check(fail)
    for _ in range(2):
        assert diagnostics.read()[1]["temperature"] == "unknown (OSError: no such device)"
    assert node.said["warning"] == ["a check failed: OSError: no such device"]
