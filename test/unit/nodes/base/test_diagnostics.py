import threading

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.nodes.base import diagnostics as module


@pytest.fixture
def at(monkeypatch):
    """Set the clock that diagnostics read."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, 1000.0 + seconds)


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
    assert (diagnostics.num_processed, diagnostics.num_skipped) == (3, 6)
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
    assert node.said["warning"] == [status.message]
    at(60)
    status, _ = diagnostics.read()
    assert (status.level, status.message) == (status.OK, "frames are processed")


def test_a_silent_input_is_named_with_who_publishes(at, node, diagnostics):
    diagnostics.watch("/image_raw")
    diagnostics.set_publishers("/image_raw", 1)
    at(1)
    status, values = diagnostics.read()
    assert (status.level, status.message) == (status.OK, "waiting")
    assert values["publishers of /image_raw"] == "1"
    at(6)
    status, _ = diagnostics.read()
    assert status.level == status.WARN
    assert "nothing usable received for 6 s on /image_raw (1 of 0 publishers match)" in (
        status.message
    )
    diagnostics.count_received()
    at(20)
    assert diagnostics.read()[0].level == status.STALE
    diagnostics.watch_nothing()
    assert diagnostics.read()[0].level == status.OK


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
        assert diagnostics.num_skipped <= 500
    thread.join()
    assert diagnostics.num_skipped == 500
