import json

import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.odometry.pipeline import STAGES
from aliked_ros.synthetic.room import SyntheticRoom

NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "300"]
NETWORK += ["--detection-threshold", "0.0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A rendered room on disk, 12 frames."""
    path = tmp_path_factory.mktemp("room")
    write_tum(SyntheticRoom(0, 320, 240, num_frames=12, texels_per_m=80.0), path)
    return path


def _track(sequence, out, *arguments):
    return main(["track", str(sequence), "--out", str(out), *NETWORK, *arguments])


def test_a_sequence_is_tracked_scored_and_drawn(folder, tmp_path, capsys):
    assert _track(folder, tmp_path, "--sensor", "rgbd", "--seed", "3") == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["sequence"] == {"name": folder.name, "layout": "tum", "num_frames": 12}
    assert report["frames"]["total"] == 12
    assert report["frames"]["skipped"] == 0
    assert report["config"]["odometry"]["sensor"] == "rgbd"
    assert report["config"]["odometry"]["seed"] == 3
    assert report["config"]["extractor"]["max_keypoints"] == 300
    assert report["weights"] == "seed:0"
    assert set(report["latency_ms"]) == {"read", *STAGES, "total"}
    trajectory = tum_rows.read(tmp_path / "trajectory.txt")
    assert len(trajectory) == report["frames"]["tracked"]
    assert len(tum_rows.read(tmp_path / "groundtruth.txt")) == 12
    assert report["score"]["num_pairs"] == len(trajectory)
    for name in ("trajectory.png", "tracks.png"):
        assert cv2.imread(str(tmp_path / name)) is not None
    assert "ATE" in capsys.readouterr().out


def test_a_window_of_frames_can_be_chosen(folder, tmp_path):
    assert _track(folder, tmp_path, "--sensor", "mono", "--start", "2", "--limit", "3") == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["frames"]["total"] == 3
    stamps_ns = tum_rows.read(tmp_path / "groundtruth.txt").stamps_ns
    np.testing.assert_array_equal(
        stamps_ns, SyntheticRoom(0, 32, 24, num_frames=12, texels_per_m=20.0).stamps_ns[2:5]
    )


def test_the_sensor_that_measures_most_is_the_default(folder, tmp_path):
    assert _track(folder, tmp_path, "--limit", "2") == 0
    assert json.loads((tmp_path / "report.json").read_text())["sensor"] == "rgbd"


def test_a_broken_image_is_counted_and_skipped(folder, tmp_path, capsys):
    images = sorted((folder / "rgb").iterdir())
    kept = images[1].read_bytes()
    images[1].write_bytes(kept[:1000])
    try:
        assert _track(folder, tmp_path, "--limit", "3") == 0
    finally:
        images[1].write_bytes(kept)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["frames"]["skipped"] == 1
    assert report["skipped"][0]["frame"] == 1
    assert "cut off" in report["skipped"][0]["reason"]
    assert images[1].name in capsys.readouterr().err


def test_without_ground_truth_there_is_a_trajectory_but_no_score(folder, tmp_path):
    poses = (folder / "groundtruth.txt").rename(folder / "elsewhere.txt")
    try:
        assert _track(folder, tmp_path, "--limit", "3") == 0
    finally:
        poses.rename(folder / "groundtruth.txt")
    assert json.loads((tmp_path / "report.json").read_text())["score"] is None
    assert (tmp_path / "trajectory.png").is_file()
    assert not (tmp_path / "groundtruth.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--sensor", "stereo"], "sensor 'stereo' was asked for"),
        (["--start", "12"], "leave no frame"),
        (["--limit", "0"], "leave no frame"),
        (["--camera-info", "nowhere.yaml"], "nowhere.yaml"),
        (["--layout", "kitti"], "KITTI"),
        (["--odometry.min-inliers", "1"], "OdometryConfig.min_inliers is 1"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    folder, tmp_path, capsys, arguments, reason
):
    assert _track(folder, tmp_path, *arguments) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.strip().count("\n") == 0


def test_a_sequence_without_calibration_says_what_to_do(textured_image, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), textured_image)
    assert _track(tmp_path, tmp_path / "out") == 2
    assert "camera_info.yaml" in capsys.readouterr().err
