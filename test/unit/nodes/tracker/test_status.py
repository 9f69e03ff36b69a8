from types import SimpleNamespace

import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from aliked_ros.msg import OdometryStatus
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.tracker.status import SKIPPED, Outcome, StatusOutput, status_message
from aliked_ros.odometry.result import Motion, State

HEADER = Header(stamp=ns_to_stamp(10**9), frame_id="camera")
EXTRACTION = Extraction(HEADER, None, "aliked-n16", max_keypoints=500, wait_ms=1.5, extract_ms=30.0)
STAGES_MS = {"handover": 1.0, "depth": 2.0, "match": 3.0, "estimate": 4.0}


def result(state=State.TRACKING, reason=""):
    return SimpleNamespace(
        state=state,
        motion=Motion.GENERAL,
        num_keypoints=100,
        num_matches=80,
        num_inliers=60,
        parallax_deg=2.5,
        is_keyframe=True,
        reason=reason,
    )


def test_the_status_of_a_tracked_image_holds_what_all_steps_say():
    outcome = Outcome(HEADER, "", "", EXTRACTION, result(), STAGES_MS)
    status = status_message(outcome, num_processed=7, num_skipped=2, latency_ms=40.0)
    assert status.header == HEADER
    assert (status.state, status.reason) == (OdometryStatus.TRACKING, "")
    assert status.motion == OdometryStatus.MOTION_GENERAL
    counts = (status.num_keypoints, status.num_matches, status.num_inliers)
    assert counts == (100, 80, 60)
    assert (status.parallax_deg, status.is_keyframe) == (2.5, True)
    assert (status.num_processed, status.num_skipped, status.latency_ms) == (7, 2, 40.0)
    assert (status.max_keypoints, status.wait_ms, status.extract_ms) == (500, 1.5, 30.0)
    stages_ms = [status.handover_ms, status.depth_ms, status.match_ms, status.estimate_ms]
    assert stages_ms == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("state", "reason"), [(State.LOST, "4 of 100 agree"), (State.INITIALISING, "no parallax yet")]
)
def test_the_odometry_says_why_there_is_no_measured_pose(state, reason):
    status = status_message(Outcome(HEADER, result=result(state, reason)))
    assert status.state == getattr(OdometryStatus, state.name)
    assert status.reason == reason


def test_a_pose_that_is_not_in_metres_yet_is_none():
    status = status_message(Outcome(HEADER, reason="the scale is not known yet", result=result()))
    assert status.state == OdometryStatus.INITIALISING
    assert status.reason == "the scale is not known yet"
    assert status.num_inliers == 60


@pytest.mark.parametrize("skipped", [*SKIPPED, "unusable", "failed", "stamp of zero"])
def test_a_skipped_image_says_why_and_what_is_known_of_it(skipped):
    status = status_message(
        Outcome(HEADER, skipped, "why", EXTRACTION, stages_ms={"handover": 1.0})
    )
    expected = SKIPPED.get(skipped, OdometryStatus.UNUSABLE)
    assert (status.state, status.reason) == (expected, "why")
    assert (status.max_keypoints, status.handover_ms, status.num_keypoints) == (500, 1.0, 0)


@pytest.fixture
def output(node, diagnostics):
    return StatusOutput(node, diagnostics)


def test_every_image_is_counted_and_answered(node, diagnostics, output):
    node.now_ns = 10**9 + 50_000_000
    output.publish(Outcome(HEADER, "not ready", "no camera_info"))
    output.publish(Outcome(HEADER, result=result(), stages_ms=STAGES_MS), frame_ms=12.0)
    first, second = node.published["status"]
    assert (first.num_processed, first.num_skipped) == (0, 1)
    assert (second.num_processed, second.num_skipped) == (1, 1)
    assert second.latency_ms == pytest.approx(50.0)
    _, values = diagnostics.read()
    assert values["skipped, not ready"] == "1"
    assert values["latency p50 (ms)"] == "12.0"
    assert values["estimate p50 / max (ms)"] == "4.00 / 4.00"


def test_what_is_wrong_is_warned_of_but_not_that_somebody_paused(node, output):
    output.publish(Outcome(HEADER, "paused", "paused: call ~/resume"))
    output.publish(Outcome(HEADER, result=result()))
    assert node.said["warning"] == []
    output.publish(Outcome(HEADER, "unusable", "the stamp is not later"))
    output.publish(Outcome(HEADER, result=result(State.LOST, "4 of 100 agree")))
    assert node.said["warning"] == ["unusable: the stamp is not later", "4 of 100 agree"]


def test_images_are_counted_though_nobody_listens(node, diagnostics, output):
    node.num_listeners = 0
    output.publish(Outcome(HEADER, result=result()))
    assert node.published["status"] == []
    assert diagnostics.counts.num_processed == 1


def test_a_pose_that_was_measured_with_less_says_so_and_is_counted(node, diagnostics, output):
    why = "nearest depth is 16 ms off, sync_slop_s is 10 ms"
    for _ in range(3):
        output.publish(Outcome(HEADER, missing=why, result=result(), num_depths=0))
    status = node.published["status"][-1]
    assert (status.state, status.reason) == (OdometryStatus.TRACKING, why)
    assert diagnostics.read()[1]["frames tracked without depth"] == "3"
    assert node.said["warning"] == [why]
    output.publish(Outcome(HEADER, missing=why, result=result(State.LOST, "nothing known")))
    assert node.published["status"][-1].reason == f"nothing known; {why}"
    assert node.said["warning"][1:] == [f"nothing known; {why}"]


def test_a_restart_is_in_the_status_of_that_very_image():
    why = "time has jumped back by 5.0 s"
    outcome = Outcome(HEADER, result=result(), restart_reason=why, num_restarts=2, num_depths=9)
    status = status_message(outcome)
    assert (status.restart_reason, status.num_restarts, status.num_depths) == (why, 2, 9)
