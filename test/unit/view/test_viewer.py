"""The process that shows: what it is given, and that nobody waits for it."""

import os
import sys
import time  # noqa: TID251 - it waits for a process

import numpy as np
import pytest
from fake_rerun import install, logged

from aliked_ros.extras import MissingPackageError
from aliked_ros.view.page import STATE_COLOURS
from aliked_ros.view.viewer import Viewer, find_python


@pytest.fixture
def python(tmp_path, monkeypatch):
    """The folder of a Python that has the stand-in."""
    monkeypatch.setenv("ALIKED_VIEW_PYTHON", str(install(tmp_path)))
    return tmp_path


def item(number=0, **more):
    return {"stamp_ns": number, "state": "tracking", **more}


def test_what_an_item_holds_is_logged_and_nothing_else(python):
    viewer = Viewer(page=False, file=python / "new" / "a.rrd")
    viewer.show(item(image=np.zeros((4, 6), np.uint8), reason="fine"))
    lines = np.zeros((8, 2, 3))
    pose = {"T_world_body": np.eye(4), "is_measured": True, "covariance": np.eye(6)}
    viewer.show(item(1, **pose, camera=lines, keyframes=lines))
    viewer.show(item(2, **pose, names=["counts/inliers", "latency_ms/match"], values=[3, np.nan]))
    viewer.close()
    assert viewer.num_dropped == 0
    assert logged(python) == [
        "image", "state", "log",
        "world/body", "world/body/uncertainty", "world/camera", "world/keyframes", "state", "log",
        "world/body", "world/path", "world/body/uncertainty", "plots/counts/inliers",
    ]  # fmt: skip
    assert (python / "new" / "a.rrd").exists()


def test_tracks_and_landmarks_are_logged(python):
    viewer = Viewer(page=False)
    points = np.zeros((5, 2), np.float32)
    viewer.show(
        {"stamp_ns": 0, "previous": points, "current": points, "is_inlier": np.ones(5, bool)}
    )
    viewer.show({"stamp_ns": 0, "landmarks": np.zeros((7, 3)), "num_seen": np.ones(7)})
    viewer.close()
    assert logged(python) == ["image/tails", "image/keypoints", "world/landmarks"]


def test_a_covariance_that_says_unknown_is_taken_off_the_page(python):
    viewer = Viewer(page=False)
    for number in range(2):
        viewer.show({"stamp_ns": number, "T_world_body": np.eye(4), "is_measured": False,
                     "covariance": 1e4 * np.eye(6)})  # fmt: skip
    viewer.close()
    assert logged(python).count("world/body/uncertainty") == 2


def test_a_page_that_lags_drops_items_and_counts_them(python):
    (python / "stuck").touch()
    viewer = Viewer(page=False)
    start_s = time.monotonic()
    for number in range(200):
        viewer.show(item(number, image=np.zeros((400, 600), np.uint8)))
    assert time.monotonic() - start_s < 5.0  # 200 pictures that nobody takes
    assert viewer.num_dropped > 100
    (python / "stuck").unlink()
    viewer.close()
    assert logged(python).count("image") == 200 - viewer.num_dropped


def test_a_file_gets_every_item(python):
    viewer = Viewer(page=False, waits=True)
    for number in range(100):
        viewer.show(item(number, image=np.zeros((40, 60), np.uint8)))
    viewer.close()
    assert (viewer.num_dropped, logged(python).count("image")) == (0, 100)


@pytest.mark.parametrize("waits", [False, True])
def test_a_process_that_dies_stops_nobody(python, waits):
    (python / "dies").touch()
    viewer = Viewer(page=False, waits=waits)
    for number in range(300):
        viewer.show(item(number, image=np.zeros((40, 60), np.uint8)))
    viewer.close()
    assert not viewer.is_open
    assert viewer.num_dropped > 0


def test_a_process_that_does_not_start_says_why(python, capfd):
    (python / "broken").touch()
    with pytest.raises(ChildProcessError, match=r"the view did not start: .* has ended with 1"):
        Viewer(page=False)
    assert "no screen" in capfd.readouterr().err


def test_a_page_has_an_address(python):
    viewer = Viewer(page=True)
    viewer.close()
    assert viewer.address.startswith("http://localhost:")
    assert "rerun%2Bhttp" in viewer.address


def test_without_rerun_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.delenv("ALIKED_VIEW_PYTHON", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError) as error:
        find_python()
    text = str(error.value)
    assert text.startswith('the view needs rerun: pip install "aliked_ros[view]"')
    assert "export ALIKED_VIEW_PYTHON=" in text


@pytest.mark.parametrize(
    ("named", "said"),
    [("/nowhere/python", "which cannot be run"), (sys.executable, "which has no rerun")],
)
def test_a_python_without_rerun_is_named(named, said, monkeypatch):
    monkeypatch.setenv("ALIKED_VIEW_PYTHON", named)
    monkeypatch.setenv("PYTHONPATH", os.devnull)
    if named == sys.executable and _has_rerun():
        pytest.skip("this Python has rerun")
    with pytest.raises(MissingPackageError, match=f"is '{named}', {said}"):
        find_python()


def _has_rerun():
    from importlib.util import find_spec

    return find_spec("rerun") is not None


def test_the_page_colours_every_state_of_the_message():
    from aliked_ros.cli.report.run_files import STATES

    assert set(STATE_COLOURS) == set(STATES.values())
