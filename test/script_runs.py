"""Runs of the scripts of bench/ and scripts/, as a user starts them."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 300
NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "50"]

needs_ros = [
    pytest.mark.ros,
    pytest.mark.skipif(
        importlib.util.find_spec("rclpy") is None, reason="ROS is not installed: run make install"
    ),
]


needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)


def run(script, *arguments, returncode=0, **environment):
    """Run a script as a user does; return what it printed, or said on stderr if it failed."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ROS_DOMAIN_ID": str(1 + os.getpid() % 100), **environment},
        start_new_session=True,
    )
    try:
        printed, said = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        # With Ctrl-C a script ends the nodes that it has started.
        os.killpg(process.pid, signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        pytest.fail(f"{script} did not end within {TIMEOUT_S} s: {said}")
    assert process.returncode == returncode, said
    assert "Traceback" not in said
    return printed if returncode == 0 else said
