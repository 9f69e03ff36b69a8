"""`track --view` in a headless browser: what is on the screen."""

import os
import re
import signal
import socket
import subprocess
import sys
import time  # noqa: TID251 - it waits for a process
from contextlib import closing

import cv2
import numpy as np
import pytest
from browser import Browser
from view_world import address_in, require_browser, shows_image_and_path, wait_for_picture

from aliked_ros.view.viewer import find_python

NETWORK = ["--model", "aliked-t16", "--weights", "package", "--max-keypoints", "400"]
PATIENCE_S = 300


@pytest.fixture(autouse=True)
def _needs():
    require_browser()


def track(folder, *words):
    command = [sys.executable, "-m", "aliked_ros", "track", "synthetic", "--sensor", "rgbd",
               "--limit", "40", "--out", str(folder / "out"), *NETWORK, *words]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_page_shows_image_and_path_while_it_is_open_and_ends_with_ctrl_c(tmp_path):
    assert not shows_image_and_path(np.full((900, 1400, 3), 255, np.uint8))
    process = track(tmp_path, "--view")
    try:
        said, address = "", None
        while address is None:
            line = process.stdout.readline().decode()
            assert line, said
            said += line
            address = address_in(said)
        with Browser(tmp_path, address) as browser:
            picture = wait_for_picture(browser, shows_image_and_path)
        cv2.imwrite(str(tmp_path / "page.png"), picture)
        assert shows_image_and_path(picture), tmp_path / "page.png"
        while "stays until Ctrl-C" not in said:
            line = process.stdout.readline().decode()
            assert line, said
            said += line
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "40 of 40 frames tracked" in said
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_file_holds_every_frame(tmp_path):
    process = track(tmp_path, "--view-file", str(tmp_path / "run.rrd"))
    said = process.communicate(timeout=PATIENCE_S)[0].decode()
    assert process.returncode == 0, said
    rrd = [find_python(), "-m", "rerun_cli", "rrd"]
    environment = {**os.environ, "HOME": str(tmp_path)}  # it notes there that it was used
    printed = subprocess.run(
        [*rrd, "print", str(tmp_path / "run.rrd")],
        capture_output=True, text=True, check=True, env=environment,
    ).stdout  # fmt: skip
    for path in ("/image", "/image/tails", "/world/path", "/world/keyframes", "/world/landmarks",
                 "/world/body/uncertainty", "/plots/counts/inliers", "/state"):  # fmt: skip
        assert path in printed
    verified = subprocess.run(
        [*rrd, "verify", str(tmp_path / "run.rrd")], check=False, env=environment
    )
    assert verified.returncode == 0


def test_nothing_is_left_when_the_run_is_interrupted(tmp_path):
    process = track(tmp_path, "--view", "--limit", "300")
    said = ""
    while address_in(said) is None:
        said += process.stdout.readline().decode()
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    port = int(re.search(r"localhost:(\d+)", said)[1])
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
