import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.evaluation.odometry import runs as odometry_runs
from aliked_ros.evaluation.odometry.stages import STAGES
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.geometry import se3
from aliked_ros.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A rendered room on disk, 12 frames."""
    path = tmp_path_factory.mktemp("rooms") / "room"
    write_tum(SyntheticRoom(0, 320, 240, num_frames=12, texels_per_m=80.0), path)
    return path


def _evaluate(folder, out, *arguments):
    options = ["--out", str(out), "--max-keypoints", "300", "--features", "orb", "sift"]
    return main(["evaluate", "odometry", str(folder), *options, *arguments])


@pytest.fixture(scope="module")
def evaluated(folder, tmp_path_factory):
    """Two features with two seeds each, RGB-D."""
    out = tmp_path_factory.mktemp("out")
    assert _evaluate(folder, out, "--seeds", "2") == 0
    return out


def test_every_configuration_gets_a_row_with_its_seeds(evaluated):
    report = json.loads((evaluated / "report.json").read_text())
    assert [row["method"] for row in report["rows"]] == ["orb", "sift"]
    assert [run["seed"] for run in report["runs"]] == [0, 1, 0, 1]
    for row in report["rows"]:
        assert row["sensor"] == "rgbd"
        assert row["ate_m"]["num"] == 2
        assert row["answered"]["median"] == row["frames"]["median"] == 12
        assert row["corrected_m"]["median"] < 0.05
        assert row["odometry_ms"]["median"] < row["time_ms"]["median"]
        assert row["landmarks"]["median"] > row["keyframes"]["median"] >= 1
        assert row["ate_m"]["median"] < 0.05
    text = (evaluated / "report.md").read_text()
    assert "| orb " in text
    assert "2 runs each: median" in text
    assert "### room" in text
    for name in ("bars.png", "paths-room-rgbd-none.png"):
        assert cv2.imread(str(evaluated / name)) is not None


def test_the_figures_are_those_of_the_stored_trajectories(evaluated):
    report = json.loads((evaluated / "report.json").read_text())
    for path in (evaluated / "runs").iterdir():
        stored = json.loads((path / "run.json").read_text())
        assert stored in report["runs"]
        files = path / "trajectory.txt", path / "groundtruth.txt"
        assert len(tum_rows.read(files[0])) == 12
        score = compare_files(*files, with_scale=False).score
        assert stored["score"]["ate_rmse_m"] == score.ate_rmse_m
        assert stored["score"]["rpe_rmse_deg"] == score.rpe_rmse_deg


def test_an_interrupted_evaluation_goes_on(folder, evaluated, monkeypatch, capsys):
    runs = sorted((evaluated / "runs").iterdir())
    (runs[0] / "run.json").unlink()
    performed = []
    perform_runs = odometry_runs.perform_runs

    def counted(specs, *arguments):
        performed.extend(specs)
        perform_runs(specs, *arguments)

    monkeypatch.setattr(odometry_runs, "perform_runs", counted)
    images = set((evaluated / "features").rglob("*.npz"))
    assert _evaluate(folder, evaluated, "--seeds", "2") == 0
    assert [spec.folder(evaluated / "runs") for spec in performed] == [runs[0]]
    # Two features of twelve images, extracted once for all seeds.
    assert set((evaluated / "features").rglob("*.npz")) == images
    assert len(images) == 24
    assert "ATE m" in capsys.readouterr().out


def test_disturbances_are_rows_of_their_own_with_their_recovery(folder, evaluated, tmp_path):
    cache = ["--cache", str(evaluated / "features")]
    disturb = ["--disturb", "none", "drop", "depth_holes", "blackout"]
    assert _evaluate(folder, tmp_path, "--seeds", "1", *cache, *disturb) == 0
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    names = ["none", "drop", "depth_holes", "blackout"]
    assert [row["disturbance"] for row in rows] == [name for name in names for _ in range(2)]
    by_name = {row["disturbance"]: row for row in rows if row["method"] == "sift"}
    assert by_name["none"]["frames_until_tracking"] is None
    assert by_name["drop"]["frames_until_tracking"]["median"] == 0
    assert by_name["blackout"]["lost_frames"]["median"] >= 1


def test_stages_are_runs_of_their_own_side_by_side_in_one_table(folder, evaluated, tmp_path):
    cache = ["--cache", str(evaluated / "features")]
    page = tmp_path / "page.md"
    name = "evaluate odometry --stages"
    page.write_text(f"<!-- {name}: begin -->\n<!-- {name}: end -->\n")
    others = ["--stages", "--page", str(page)]
    assert _evaluate(folder, tmp_path, "--seeds", "2", *cache, *others) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    names = [stage.name for stage in STAGES]
    assert [row["configuration"] for row in report["rows"]] == [*names, *names]
    lines = (tmp_path / "report.md").read_text().split("\n")
    titles = [line for line in lines if line.startswith("| sequence")]
    assert [cell.strip() for cell in titles[0].split("|")][-4:-1] == names
    assert titles[0] in page.read_text()


def test_configurations_of_our_own_are_compared_by_name(folder, evaluated, tmp_path):
    cache = ["--cache", str(evaluated / "features"), "--seeds", "1"]
    named = ["plain", "dense@keyframe_displacement_of_width=0.001"]
    assert _evaluate(folder, tmp_path, *cache, "--configurations", *named) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    found = {
        run["configuration"]: run["frames"]["keyframes"]
        for run in report["runs"]
        if run["method"] == "sift"
    }
    assert list(found) == ["plain", "dense"]
    assert found["dense"] > found["plain"]
    header = next(
        line for line in (tmp_path / "report.md").read_text().split("\n") if "answered" in line
    )
    assert "configuration" in header


def test_a_trajectory_from_outside_is_a_row_beside_ours(folder, evaluated, tmp_path):
    truth = tum_rows.read(folder / "groundtruth.txt")
    world = se3.exp(np.array([3.0, -1, 2, 0.5, 1, -0.7]))
    for name, factor in (("right", 0.0), ("wrong", 1.0)):
        poses = [world @ T for T in truth.T_world_camera]
        for i, pose in enumerate(poses):
            pose[:3, 3] += factor * 0.1 * (-1) ** i
        rows = list(zip(truth.stamps_ns.tolist(), poses, strict=True))
        tum_rows.write(tmp_path / f"{name}.txt", rows[:9])
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- evaluate odometry: begin -->\n<!-- evaluate odometry: end -->\n")
    files = [f"peer={tmp_path / 'right.txt'}", f"peer={tmp_path / 'wrong.txt'}"]
    cache = ["--cache", str(evaluated / "features"), "--seeds", "2"]
    others = ["--trajectory", *files, "--page", str(page)]
    assert _evaluate(folder, tmp_path / "out", *cache, *others) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    peer = report["rows"][-1]
    assert peer["method"] == "peer"
    assert peer["answered"]["median"] == 9
    assert peer["lost_frames"]["median"] == 3
    assert peer["ate_m"]["minimum"] < 1e-6
    assert peer["ate_m"]["maximum"] > 0.1
    assert peer["odometry_ms"] is None
    written = page.read_text()
    assert written.startswith("Before.\n")
    assert "- commit: " in written
    assert "| rgbd   | peer " in written
    assert str(tmp_path) not in written.partition("- command")[2].partition("- commit")[0]
    assert cv2.imread(str(tmp_path / "out" / "paths-room-rgbd-none.png")) is not None


def test_the_covariance_is_checked_beside_the_noise_of_the_truth(evaluated):
    report = json.loads((evaluated / "report.json").read_text())
    for row in report["rows"]:
        assert row["motions"]["median"] == 2
        shares = [row[f"{where}_percent"]["median"] for where in ("inside", "below", "above")]
        assert sum(shares) == pytest.approx(100)
    text = (evaluated / "report.md").read_text()
    assert "## Covariance" in text
    assert "Ground truth of room:" in text


def test_pairs_of_frames_are_judged_one_by_one(folder, evaluated, tmp_path):
    arguments = ["--seeds", "1", "--cache", str(evaluated / "features"), "--pairs"]
    assert _evaluate(folder, tmp_path, *arguments, "--sensors", "rgbd", "mono") == 0
    rgbd = json.loads((tmp_path / "report.json").read_text())["rows"][0]
    assert rgbd["pairs"]["median"] == 11
    assert rgbd["pairs_answered"]["median"] == 11
    assert rgbd["pairs_median_m"]["median"] < 0.02
    assert rgbd["pairs_within"]["median"] == 1
    assert rgbd["ate_m"] is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--seeds", "0"], "at least one seed"),
        (["--sensors", "stereo"], "serves mono, rgbd"),
        (["--disturb", "depth_holes", "--sensors", "mono"], "nothing to run"),
        (["--features", "surf"], "surf"),
        (["--trajectory", "peer=nowhere.txt"], "nowhere.txt: there is no such file"),
        (["--trajectory", "orb=nowhere.txt"], "trajectory orb: a feature is called so"),
        (["--trajectory", "peer=nowhere.txt", "--pairs"], "cannot be compared with --pairs"),
        (["--configurations", "a@window=3"], "'window=3': the knobs are"),
        (["--configurations", "a", "a"], "two configurations are called 'a'"),
        (["--page", "nowhere.md"], "nowhere.md lacks a place for the results"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, tmp_path, capsys, arguments, reason):
    assert _evaluate(folder, tmp_path, *arguments) == 2
    error = capsys.readouterr().err.strip().split("\n")[-1]
    assert reason in error
    assert not list(Path(tmp_path).rglob("run.json"))
