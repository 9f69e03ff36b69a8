import json
from pathlib import Path

import cv2
import pytest

from aliked_ros.__main__ import main
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.evaluation.odometry import runs as odometry_runs
from aliked_ros.evaluation.odometry.stages import STAGES
from aliked_ros.evaluation.odometry.trajectory import compare_files
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
    assert [row["feature"] for row in report["rows"]] == ["orb", "sift"]
    assert [run["seed"] for run in report["runs"]] == [0, 1, 0, 1]
    for row in report["rows"]:
        assert row["sensor"] == "rgbd"
        assert row["ate_m"]["num"] == 2
        assert row["tracked_percent"]["median"] == 100
        assert row["ate_m"]["median"] < 0.05
    text = (evaluated / "report.md").read_text()
    assert "| orb " in text
    assert "2 seeds" in text
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
    by_name = {row["disturbance"]: row for row in rows if row["feature"] == "sift"}
    assert by_name["none"]["frames_until_tracking"] is None
    assert by_name["drop"]["frames_until_tracking"]["median"] == 0
    assert by_name["blackout"]["lost_frames"]["median"] >= 1


def test_stages_are_runs_of_their_own_side_by_side_in_one_table(folder, evaluated, tmp_path):
    cache = ["--cache", str(evaluated / "features")]
    assert _evaluate(folder, tmp_path, "--seeds", "2", *cache, "--stages") == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert [row["stage"] for row in report["rows"]] == [*STAGES, *STAGES]
    keyframes = {
        stage: [
            run["frames"]["keyframes"]
            for run in report["runs"]
            if run["stage"] == stage and run["feature"] == "sift"
        ]
        for stage in STAGES
    }
    assert keyframes["frame to frame"] == [12, 12]
    assert max(keyframes["+ keyframes"]) < 12
    lines = (tmp_path / "report.md").read_text().split("\n")
    titles = [line for line in lines if line.startswith("| sequence")]
    assert [cell.strip() for cell in titles[0].split("|")][-4:-1] == list(STAGES)


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
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, tmp_path, capsys, arguments, reason):
    assert _evaluate(folder, tmp_path, *arguments) == 2
    error = capsys.readouterr().err.strip().split("\n")[-1]
    assert reason in error
    assert not list(Path(tmp_path).rglob("run.json"))
