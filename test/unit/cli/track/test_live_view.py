from types import SimpleNamespace

import numpy as np
import pytest
from fake_rerun import install, logged

from aliked_ros.__main__ import main
from aliked_ros.cli.track.live_view import LiveView
from aliked_ros.evaluation.odometry.records import FrameRecord
from aliked_ros.odometry.result import Motion, OdometryResult, State, TrackedPairs
from aliked_ros.structs import Camera

CAMERA = Camera(8, 6, np.diag([8.0, 8.0, 1.0]))
NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "200"]
NETWORK += ["--detection-threshold", "0.0"]


def result(number=0, *, is_keyframe=False, T=None, state=State.TRACKING):
    points = np.ones((3, 2), np.float32)
    tracks = TrackedPairs(
        0, np.zeros((3, 2), np.int64), points, points + 1, np.ones(3, np.float32),
        np.arange(3, dtype=np.uint64), np.full(3, 2, np.uint32), np.array([True, True, False]),
    )  # fmt: skip
    T = np.eye(4) if T is None else T
    return OdometryResult(
        number, state, Motion.GENERAL, None if state is State.INITIALISING else T, np.eye(6),
        100, 50, 40, 1.5, is_keyframe, "why", tracks,
    )  # fmt: skip


class Map:
    def landmarks(self):
        return np.array([[0.0, 0, 4], [0, 0, 8]]), np.array([2, 3])

    def keyframes(self):
        return [(0, np.eye(4)), (1, np.eye(4))]


def shown(results):
    viewer = SimpleNamespace(items=[])
    viewer.show = viewer.items.append
    view = LiveView(viewer, CAMERA, Map())
    image = np.zeros((6, 8), np.uint8)
    for one in results:
        view.add(image, one, FrameRecord.of(one, {"extract": 20.0, "total": 25.0}))
    return viewer.items


def test_a_frame_is_shown_with_tracks_pose_counts_latencies_and_state():
    (item,) = shown([result()])
    assert item["image"].shape == (6, 8)
    assert item["is_inlier"].sum() == 2
    np.testing.assert_array_equal(item["current"] - item["previous"], 1)
    np.testing.assert_array_equal(item["T_world_body"], np.eye(4))
    plots = dict(zip(item["names"], item["values"], strict=True))
    assert plots["counts/inliers"] == 40
    assert plots["latency_ms/total"] == 25
    assert (item["state"], item["reason"], item["is_measured"]) == ("tracking", "why", True)


def test_a_frame_without_a_pose_has_none_and_a_predicted_one_is_not_measured():
    first, second = shown([result(state=State.INITIALISING), result(state=State.PREDICTED)])
    assert "T_world_body" not in first
    assert second["is_measured"] is False


def test_the_map_is_shown_now_and_then_and_at_every_keyframe():
    items = shown([result(number, is_keyframe=number == 4) for number in range(20)])
    assert [number for number, item in enumerate(items) if "landmarks" in item] == [0, 4, 15]
    assert items[0]["keyframes"].shape == (16, 2, 3)


def test_cameras_are_drawn_in_proportion_to_what_they_see():
    (item,) = shown([result()])
    assert item["camera"][:, :, 2].max() == pytest.approx(0.6)  # a tenth of 4 to 8 m


@pytest.fixture
def python(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIKED_VIEW_PYTHON", str(install(tmp_path)))
    return tmp_path


def test_a_run_is_written_to_a_file_frame_by_frame(python, capsys):
    out = python / "out"
    arguments = ["--limit", "4", "--sensor", "rgbd", "--out", str(out), *NETWORK]
    assert main(["track", "synthetic", *arguments, "--view-file", str(out / "a.rrd")]) == 0
    assert f"written: {out / 'a.rrd'}\n" in capsys.readouterr().out
    assert logged(python).count("image") == logged(python).count("world/body") == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--view-file", "a.mp4"], "--view-file is a.mp4: give a name that ends with .rrd"),
        (["--view"], "the view needs rerun"),
    ],
)
def test_what_cannot_be_shown_is_said_before_anything_is_done(
    words, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("ALIKED_VIEW_PYTHON", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    out = tmp_path / "out"
    assert main(["track", "synthetic", "--out", str(out), *words]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
