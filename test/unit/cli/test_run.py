"""run: which processes are started, and how they end."""

import os
import signal
import subprocess
import sys
import threading
import time  # noqa: TID251 - it waits for processes
from pathlib import Path

import fake_rerun
import pytest

from aliked_ros.__main__ import main

ROOT = Path(__file__).parents[3]

NODE = """#!/usr/bin/env python3
import pathlib, sys, time
name = pathlib.Path(__file__).name
folder = pathlib.Path({folder!r})
(folder / f"{{name}}.args").write_text("\\n".join(sys.argv[1:]))
files = [sys.argv[i + 1] for i, word in enumerate(sys.argv) if word == "--params-file"]
(folder / f"{{name}}.params").write_text("\\n".join(open(f).read() for f in files[1:]))
try:
    while {waits} and not (folder / "stop").exists():
        time.sleep(0.02)
except KeyboardInterrupt:
    (folder / f"{{name}}.interrupted").touch()
sys.exit({code})
"""
NAMES = ("composed_node", "extractor_node", "tracker_node", "overlay_node", "player_node")


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """An overlay whose nodes note their arguments and wait for Ctrl-C."""
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path}/elsewhere:{tmp_path}")
    for name in NAMES:
        install(tmp_path, name)
    return tmp_path


def install(prefix, name, *, waits=True, code=0):
    folder = prefix / "lib" / "aliked_ros"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(NODE.format(folder=str(prefix), waits=waits, code=code))


def until(*paths):
    end_s = time.monotonic() + 60
    while not all(path.exists() for path in paths):
        assert time.monotonic() < end_s, paths
        time.sleep(0.02)


def test_a_dataset_that_was_played_ends_everything(prefix):
    install(prefix, "player_node", waits=False)
    assert main(["run", "dataset:=synthetic", "namespace:=robot", "image_topic:=/cam"]) == 0
    arguments = (prefix / "composed_node.args").read_text().split("\n")
    share = prefix / "share" / "aliked_ros" / "config" / "aliked.yaml"
    assert arguments[:5] == ["--ros-args", "-r", "__ns:=/robot", "--log-level", "info"]
    assert str(share) in arguments
    assert "image_raw:=/cam" in arguments
    assert '"dataset": "synthetic"' in (prefix / "player_node.params").read_text()


def test_a_node_that_dies_ends_the_others_and_gives_its_exit_code(prefix, capfd):
    install(prefix, "tracker_node", waits=False, code=3)
    assert main(["run", "composed:=false"]) == 3
    assert "tracker_node has ended with 3" in capfd.readouterr().err


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals")
def test_ctrl_c_reaches_every_node_once_and_nothing_is_left(prefix):
    noted = [prefix / f"{name}.params" for name in ("composed_node", "overlay_node")]

    def interrupt():
        until(*noted)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert main(["run"]) == 0
    thread.join()
    assert (prefix / "composed_node.interrupted").exists()
    assert (prefix / "overlay_node.interrupted").exists()


def test_several_cameras_reach_the_extractor_and_it_is_said_which_is_tracked(prefix, capfd):
    install(prefix, "tracker_node", waits=False)
    assert main(["run", "cameras:=[front,rear]"]) == 0
    assert '"cameras": ["front", "rear"]' in (prefix / "extractor_node.params").read_text()
    assert "features:=front/features" in (prefix / "tracker_node.args").read_text().split("\n")
    assert "the tracker follows front" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_program_itself_leaves_no_node_behind(prefix, number):
    process = subprocess.Popen([sys.executable, "-m", "aliked_ros", "run"])
    until(prefix / "composed_node.params", prefix / "overlay_node.params")
    process.send_signal(number)
    assert process.wait(60) == 0
    assert (prefix / "composed_node.interrupted").exists()
    assert (prefix / "overlay_node.interrupted").exists()


def test_a_second_ctrl_c_does_not_wait_for_a_node_that_does_not_end(prefix):
    (prefix / "lib" / "aliked_ros" / "composed_node").write_text(
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"pathlib.Path({str(prefix / 'deaf')!r}).touch()\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-m", "aliked_ros", "run"])
    until(prefix / "deaf", prefix / "overlay_node.params")
    process.send_signal(signal.SIGINT)
    until(prefix / "overlay_node.interrupted")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0  # sooner than the patience with one


def test_one_node_takes_what_ros2_run_takes(prefix):
    install(prefix, "tracker_node", waits=False)
    assert main(["run", "tracker_node", "--ros-args", "-p", "x:=1"]) == 0
    assert (prefix / "tracker_node.args").read_text().split("\n") == ["--ros-args", "-p", "x:=1"]


def test_a_missing_rviz_is_said_before_anything_starts(prefix, monkeypatch, capsys):
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert main(["run", "rviz:=true"]) == 2
    assert "rviz is true and rviz2 is not installed" in capsys.readouterr().err
    assert not (prefix / "composed_node.args").exists()


def test_rviz_is_started_in_the_namespace_and_follows_the_base(prefix, monkeypatch):
    share = prefix / "share" / "aliked_ros" / "config"
    share.mkdir(parents=True)
    (share / "aliked.rviz").write_text("Fixed Frame: odom\n  Target Frame: base_link\n")
    rviz = prefix / "rviz2"
    rviz.write_text(f'#!/bin/sh\necho "$@" > {prefix}/rviz.args\ncp "$2" {prefix}/seen.rviz\n')
    rviz.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(rviz))
    install(prefix, "player_node")  # it ends when the view was seen

    def stop():
        until(prefix / "seen.rviz")
        (prefix / "stop").touch()

    thread = threading.Thread(target=stop)
    thread.start()
    words = ["dataset:=x", "rviz:=true", "namespace:=robot", "base_frame:=chassis"]
    assert main(["run", *words]) == 0
    thread.join()
    assert "--ros-args -r __ns:=/robot" in (prefix / "rviz.args").read_text()
    seen = (prefix / "seen.rviz").read_text()
    assert seen == "Fixed Frame: 'odom'\n  Target Frame: 'chassis'\n"


def test_a_view_without_rerun_is_said_before_anything_starts(prefix, monkeypatch, capsys):
    monkeypatch.setenv("ALIKED_VIEW_PYTHON", "/nowhere/python")
    install(prefix, "view_node")
    assert main(["run", "view:=true"]) == 2
    assert "ALIKED_VIEW_PYTHON is '/nowhere/python'" in capsys.readouterr().err
    assert not (prefix / "composed_node.args").exists()


def test_a_recording_and_a_view_are_processes_beside_the_others(prefix, monkeypatch, tmp_path):
    monkeypatch.setenv("ALIKED_VIEW_PYTHON", str(fake_rerun.install(tmp_path)))
    install(prefix, "player_node")
    for name in ("view_node", "recorder_node"):
        install(prefix, name)

    def stop():
        until(prefix / "view_node.params", prefix / "recorder_node.params")
        (prefix / "stop").touch()

    thread = threading.Thread(target=stop)
    thread.start()
    assert main(["run", "dataset:=x", "view:=true", "record:=bag", "output_dir:=/data"]) == 0
    thread.join()
    parameters = (prefix / "recorder_node.params").read_text()
    assert '"format": "bag"' in parameters
    assert '"output_dir": "/data"' in parameters


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fly_node"], "fly_node is no node of aliked_ros: give one of composed_node, extractor"),
        (["sensor:=lidar"], "sensor is 'lidar': give one of mono, stereo, rgbd"),
        (["camera:=oak", "start_camera:=true"], "start_camera is true, which needs ros2 launch"),
    ],
)
def test_what_cannot_be_started_is_named(prefix, words, said, capsys):
    assert main(["run", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_shell_without_the_nodes_is_told_how_to_get_them(monkeypatch, capsys):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    assert main(["run", "dataset:=synthetic"]) == 2
    assert "source scripts/activate.sh" in capsys.readouterr().err


def test_the_arguments_are_listed(capsys):
    assert main(["run", "--show-args"]) == 0
    printed = capsys.readouterr().out
    assert "camera:=" in printed
    assert "(none, realsense, zed, oak, usb_cam, kinect_azure)" in printed
