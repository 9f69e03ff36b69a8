"""Start a node, spin it until somebody stops it, and end with an honest exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import rclpy
from ament_index_python.packages import get_package_share_directory
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


def load_transport_profile() -> None:
    """Let Fast DDS carry large images in this process too, unless the user chose a profile."""
    share = Path(get_package_share_directory("aliked_ros"))
    profile = str(share / "config" / "fastdds_large_images.xml")
    for name in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"):
        os.environ.setdefault(name, profile)


def run(make_node: Callable[[], Node]) -> int:
    """Run a node until Ctrl-C, a shutdown, or its own SystemExit; return the exit code.

    0 after Ctrl-C or a regular end; 1 with one line on stderr if the node cannot start.
    """
    node = None
    load_transport_profile()
    try:
        rclpy.init()
        node = make_node()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except (ValueError, OSError, RuntimeError, ParameterException) as error:
        if not rclpy.ok() and node is not None:
            return 0  # a publish that lost the race against the shutdown
        if node is not None:
            raise
        sys.stderr.write(f"cannot start: {error}\n")
        return 1
    finally:
        # ros2 launch passes on the Ctrl-C that the terminal has sent already: the second one must
        # not break the first one's clean end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
