import json

import pytest

from aliked_ros.evaluation.odometry.table import (
    COVARIANCE_COLUMNS,
    Spread,
    markdown,
    stage_table,
    tables,
    tabulate,
)


def run(seed, feature="sift", ate_m=0.1, sensor="stereo", **more):
    return {
        "sequence": "lane",
        "sensor": sensor,
        "disturbance": "none",
        "configuration": "",
        "method": feature,
        "seed": seed,
        "frames": {"total": 12, "tracked": 9, "lost": 1, "initialising": 2, "skipped": 0},
        "latency_ms": {"odometry": {"median": 8.0}, "total": {"median": 20.0}},
        "map": {"keyframes": 5, "landmarks": 900},
        "corrected": {"num_pairs": 5, "ate_rmse_m": ate_m / 4},
        "score": {
            "ate_rmse_m": ate_m,
            "ate_with_scale_m": ate_m / 2,
            "rpe_rmse_m": 0.02,
            "rpe_rmse_deg": 0.3,
        },
        "recoveries": [],
    } | more


def test_the_seeds_of_a_configuration_become_one_row_with_spread():
    runs = [run(0, ate_m=0.1), run(0, "orb", 0.7), run(1, ate_m=0.4), run(2, ate_m=0.2)]
    sift, orb = tabulate(runs)
    assert sift.names == ("lane", "stereo", "none", "", "sift")
    assert sift.figures["ate_m"] == Spread(0.2, 0.1, 0.4, 3)
    assert orb.figures["ate_m"] == Spread(0.7, 0.7, 0.7, 1)
    assert sift.figures["answered"].median == 9
    assert sift.figures["pairs"] is None


def test_the_table_shows_median_and_range_and_leaves_empty_columns_out():
    text = markdown(tabulate([run(0, ate_m=0.1), run(1, ate_m=0.2), run(2, ate_m=0.4)]))
    lines = text.split("\n")
    assert len(lines) == 3
    assert "0.2000 (0.1000..0.4000)" in lines[2]
    assert "ATE m" in lines[0]
    assert "pairs" not in lines[0]
    assert len({len(line) for line in lines}) == 1


def test_stages_are_the_columns_of_one_table_with_the_spread_of_the_seeds():
    runs = [
        run(seed, configuration=stage, ate_m=ate_m + 0.1 * seed, sensor=sensor)
        for sensor in ("stereo", "mono")
        for stage, ate_m in (("frame to frame", 0.6), ("+ keyframes", 0.3))
        for seed in range(3)
    ]
    rows = tabulate([*runs, run(0, configuration="of my own"), run(0, "peer")])
    lines = stage_table(rows, ("frame to frame", "+ keyframes")).split("\n")
    header, *rest = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert header == [
        "sequence", "sensor", "disturbance", "method", "figure", "frame to frame", "+ keyframes",
    ]  # fmt: skip
    by_figure = {(cells[1], cells[4]): cells[5:] for cells in rest[1:]}
    assert by_figure["stereo", "ATE m"] == [
        "0.7000 (0.6000..0.8000)", "0.4000 (0.3000..0.5000)",
    ]  # fmt: skip
    assert by_figure["mono", "RPE deg"] == ["0.30", "0.30"]
    assert len(rest[1:]) == len(by_figure) == 2 * 6


def test_the_covariance_has_a_table_of_its_own():
    part = {"inside": 0.9, "below": 0.04, "above": 0.06, "mean": 1.1}
    judged = {"num": 290, "whole": part, "translation": part, "rotation": part}
    judged |= {"error_m": 0.004, "claimed_m": 0.005, "error_deg": 0.1, "claimed_deg": 0.2}
    rows = tabulate([run(0, consistency=judged), run(1, consistency=None)])
    header, _, line = markdown(rows, COVARIANCE_COLUMNS).split("\n")
    assert "ATE" not in header
    cells = dict(
        zip(*([c.strip() for c in text.split("|")] for text in (header, line)), strict=True)
    )
    assert cells["inside 95 % %"] == "90"
    assert cells["claimed mm"] == "5.0"
    assert "covariance" not in markdown(rows)


def test_each_sequence_has_a_table_with_every_figure_that_a_user_compares():
    ours = run(0), run(0, sequence="field", skipped=1)
    outside = {
        "sequence": "lane", "sensor": "stereo", "disturbance": "none", "configuration": "",
        "method": "peer", "seed": 0, "frames": {"total": 12, "tracked": 7, "lost": 5},
        "score": run(0, ate_m=0.3)["score"],
    }  # fmt: skip
    lane, field = tables(tabulate([ours[0], outside, ours[1]])).split("### ")[1:]
    assert lane.startswith("lane\n")
    assert field.startswith("field\n")
    header, _, first, second = lane.strip().split("\n")[2:]
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in (header, first, second)]
    by_name = [dict(zip(cells[0], line, strict=True)) for line in cells[1:]]
    assert by_name[0] == {
        "sensor": "stereo", "method": "sift", "frames": "12", "answered": "9", "lost": "1",
        "waiting": "2", "skipped": "0", "ATE m": "0.1000", "Sim(3) m": "0.0500",
        "corrected m": "0.0250", "RPE m": "0.0200", "RPE deg": "0.30",
        "match + estimate ms": "8.0", "all ms": "20.0", "keyframes": "5", "landmarks": "900",
    }  # fmt: skip
    assert by_name[1] == {
        "sensor": "stereo", "method": "peer", "frames": "12", "answered": "7", "lost": "5",
        "waiting": "-", "skipped": "-", "ATE m": "0.3000", "Sim(3) m": "0.1500",
        "corrected m": "-", "RPE m": "0.0200", "RPE deg": "0.30",
        "match + estimate ms": "-", "all ms": "-", "keyframes": "-", "landmarks": "-",
    }  # fmt: skip


def test_how_far_the_camera_went_is_shown_where_there_is_no_truth():
    known, unknown = run(0, farthest_m=5.0), run(0, "orb", farthest_m=0.002, score=None)
    rows = tabulate([known, unknown])
    assert rows[0].figures["farthest_m"] is None
    assert "0.0020" in markdown(rows)


def test_a_run_without_score_is_shown_and_counted_as_such():
    rows = tabulate([run(0, score=None), run(1)])
    assert rows[0].figures["ate_m"].num == 1
    assert rows[0].figures["lost_frames"].num == 2
    (row,) = tabulate([run(0, score=None)])
    assert row.figures["ate_m"] is None


def test_the_worst_recovery_counts():
    found = [
        {"frames_until_tracking": 2, "correction_m": 0.1, "error_m": 0.3, "path_m": 10.0},
        {"frames_until_tracking": 0, "correction_m": 0.4, "error_m": 0.1, "path_m": 20.0},
        {"frames_until_tracking": None, "correction_m": None, "error_m": None, "path_m": None},
    ]
    (row,) = tabulate([run(0, recoveries=found)])
    figures = {key: spread.median for key, spread in row.figures.items() if spread}
    assert figures["frames_until_tracking"] == 2
    assert figures["never_recovered"] == 1
    assert figures["correction_m"] == 0.4
    assert figures["correction_percent"] == pytest.approx(2)
    assert figures["gap_error_m"] == 0.3
    assert figures["large_corrections"] == 0


@pytest.mark.parametrize(
    ("correction_m", "path_m", "count"), [(0.04, 0.1, 0), (0.06, 1.0, 1), (0.06, 2.0, 0)]
)
def test_a_correction_is_large_if_it_is_so_in_metres_and_of_the_path(correction_m, path_m, count):
    found = [{"frames_until_tracking": 0, "correction_m": correction_m, "error_m": 0.0}]
    found[0]["path_m"] = path_m
    (row,) = tabulate([run(0, recoveries=found)])
    assert row.figures["large_corrections"].median == count


def test_a_row_is_json():
    (row,) = tabulate([run(0)])
    stored = json.loads(json.dumps(row.as_json()))
    assert stored["method"] == "sift"
    assert stored["ate_m"] == {"median": 0.1, "minimum": 0.1, "maximum": 0.1, "num": 1}
