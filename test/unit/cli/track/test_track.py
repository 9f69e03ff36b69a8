import json
import os
import signal

import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.odometry.pipeline import STAGES, FramePipeline
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
    assert _track(folder, tmp_path, "--start", "2", "--limit", "3") == 0
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


def test_rows_are_on_disk_frame_by_frame(folder, tmp_path, monkeypatch):
    seen = []
    process = FramePipeline.process

    def look(self, frame):
        seen.append(len((tmp_path / "trajectory.txt").read_text().splitlines()) - 1)
        return process(self, frame)

    monkeypatch.setattr(FramePipeline, "process", look)
    assert _track(folder, tmp_path, "--sensor", "rgbd", "--limit", "4") == 0
    assert seen == [0, 1, 2, 3]


def test_a_folder_that_cannot_be_written_is_found_before_the_work(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert _track(folder, tmp_path / "file" / "out") == 2
    assert "file" in capsys.readouterr().err
    (tmp_path / "out" / "trajectory.txt").mkdir(parents=True)
    assert _track(folder, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "cannot write" in error
    assert "trajectory.txt: Is a directory" in error


def test_a_full_disk_is_one_sentence(folder, tmp_path, capsys):
    (tmp_path / "trajectory.txt").symlink_to("/dev/full")
    assert _track(folder, tmp_path) == 2
    error = capsys.readouterr().err
    assert error.strip().count("\n") == 0
    assert "trajectory.txt: No space left on device" in error


def test_when_nothing_is_tracked_the_exit_code_is_1(folder, tmp_path, capsys):
    assert _track(folder, tmp_path, "--sensor", "mono", "--limit", "1") == 1
    printed = capsys.readouterr().out
    assert "no frame was tracked: waiting for a second image" in printed
    assert json.loads((tmp_path / "report.json").read_text())["score"] is None


def test_what_is_left_out_is_said_once_and_counted(folder, tmp_path, capsys):
    for path in sorted((folder / "depth").iterdir())[:3]:
        path.with_suffix(".kept").write_bytes(path.read_bytes())
        path.write_bytes(b"broken")
    try:
        assert _track(folder, tmp_path, "--sensor", "rgbd", "--limit", "5") == 0
    finally:
        for path in (folder / "depth").glob("*.kept"):
            path.replace(path.with_suffix(".png"))
    printed = capsys.readouterr()
    assert printed.err.count("left out: ") == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert sum(report["left_out"].values()) == 3
    assert report["frames"]["skipped"] == 0


def test_doubts_are_said_at_the_start_and_kept(folder, tmp_path, capsys):
    arguments = ["--sensor", "rgbd", "--limit", "2", "--depth-scale", "1.0"]
    assert _track(folder, tmp_path, *arguments) in (0, 1)
    assert "note: median depth is" in capsys.readouterr().err
    assert "median depth" in json.loads((tmp_path / "report.json").read_text())["remarks"][0]


def test_images_are_tracked_at_the_width_that_is_asked_for(folder, tmp_path):
    arguments = ["--sensor", "rgbd", "--limit", "3", "--image-width", "160"]
    assert _track(folder, tmp_path, *arguments) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_there_is_is_scored_after_an_interruption(
    folder, tmp_path, capsys, monkeypatch, number
):
    process = FramePipeline.process

    def interrupt(self, frame):
        tracked = process(self, frame)
        if tracked.result.stamp_ns > 0 and (tmp_path / "second").exists():
            os.kill(os.getpid(), number)
        (tmp_path / "second").touch()
        return tracked

    monkeypatch.setattr(FramePipeline, "process", interrupt)
    assert _track(folder, tmp_path, "--sensor", "rgbd") == 128 + number
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"]
    assert report["frames"]["total"] == 2
    assert len(tum_rows.read(tmp_path / "trajectory.txt")) == 2
    assert "before it was interrupted" in capsys.readouterr().out


def _fail(*_):
    raise RuntimeError("a bug")


def test_nothing_of_an_earlier_run_is_left(folder, tmp_path):
    for name in ("report.json", "trajectory.png", "tracks.png", "groundtruth.txt"):
        (tmp_path / name).write_text("old")
    (tmp_path / "notes.txt").write_text("the user's")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FramePipeline, "process", _fail)
        with pytest.raises(RuntimeError, match="a bug"):
            _track(folder, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"trajectory.txt", "notes.txt"}


def test_ground_truth_in_another_unit_is_doubted(folder, tmp_path, capsys):
    poses = folder / "groundtruth.txt"
    kept = poses.read_text()
    rows = [row.split() for row in kept.splitlines() if not row.startswith("#")]
    for row in rows:
        row[1:4] = [str(1000 * float(value)) for value in row[1:4]]
    poses.write_text("\n".join(map(" ".join, rows)))
    try:
        assert _track(folder, tmp_path, "--sensor", "rgbd") == 0
    finally:
        poses.write_text(kept)
    said = "check that the ground truth and the depth or baseline are in metres"
    assert said in capsys.readouterr().out
    assert said in json.loads((tmp_path / "report.json").read_text())["remarks"][-1]


def test_what_is_left_out_is_one_line_for_each_kind(folder, tmp_path, capsys):
    depths = folder / "depth.txt"
    kept = depths.read_text()
    depths.write_text(kept.replace("depth/", "elsewhere/"))
    try:
        assert _track(folder, tmp_path, "--sensor", "rgbd", "--limit", "4") == 1
    finally:
        depths.write_text(kept)
    lines = [line for line in capsys.readouterr().out.splitlines() if "left out: " in line]
    assert len(lines) == 1
    assert lines[0].startswith("4 left out: ")
