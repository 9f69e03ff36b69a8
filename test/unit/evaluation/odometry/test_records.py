import json

import numpy as np
import pytest

from aliked_ros.evaluation.odometry.records import FrameRecord, summarise
from aliked_ros.odometry.result import Motion, State


def _record(index, state=State.TRACKING, reason="", extract_ms=10.0, **figures):
    defaults = {"num_keypoints": 100, "num_matches": 50, "num_inliers": 40, "parallax_deg": 1.0}
    return FrameRecord(
        stamp_ns=index * 10**8,
        state=state,
        motion=Motion.GENERAL if state is State.TRACKING else Motion.UNKNOWN,
        reason=reason,
        T_world_camera=np.eye(4),
        covariance=np.eye(6),
        is_keyframe=index == 0,
        figures=defaults | figures,
        latencies_ms={"extract": extract_ms, "total": 2 * extract_ms},
    )


def test_frames_are_counted_by_their_state():
    records = [
        _record(0, State.INITIALISING, "first image"),
        _record(1),
        _record(2),
        _record(3, State.LOST, "only 3 of 15 inliers"),
        _record(4, State.LOST, "only 7 of 15 inliers"),
    ]
    report = summarise(records, num_skipped=2)
    assert report["frames"] == {
        "total": 7,
        "skipped": 2,
        "tracked": 2,
        "lost": 2,
        "predicted": 0,
        "initialising": 1,
        "keyframes": 1,
    }
    assert report["motions"] == {"unknown": 3, "general": 2}


def test_a_pose_that_is_predicted_is_lost_and_counted_as_such():
    records = [_record(0), _record(1, State.PREDICTED), _record(2, State.LOST)]
    frames = summarise(records, 0)["frames"]
    assert (frames["tracked"], frames["lost"], frames["predicted"]) == (1, 2, 1)


def test_reasons_that_differ_in_figures_are_counted_together():
    records = [_record(i, State.LOST, f"only {i} of 15 inliers") for i in range(3)]
    assert summarise(records, 0)["reasons"] == {"only N of N inliers": 3}


def test_latencies_are_median_and_99th_percentile():
    records = [_record(i, extract_ms=float(i)) for i in range(101)]
    latency_ms = summarise(records, 0)["latency_ms"]
    assert latency_ms["extract"] == {"median": 50.0, "p99": 99.0}
    assert latency_ms["total"]["median"] == 100.0


def test_a_figure_that_is_never_known_is_none_and_the_report_valid_json():
    report = summarise([_record(0, parallax_deg=float("nan"))], 0)
    assert report["medians"]["parallax_deg"] is None
    assert report["medians"]["num_matches"] == 50
    json.dumps(report, allow_nan=False)


def test_a_figure_that_is_sometimes_unknown_is_the_median_of_the_rest():
    records = [_record(0, parallax_deg=float("nan")), _record(1, parallax_deg=3.0)]
    assert summarise(records, 0)["medians"]["parallax_deg"] == pytest.approx(3.0)


def test_a_run_without_frames_has_a_report_too():
    assert summarise([], 1)["frames"]["total"] == 1
