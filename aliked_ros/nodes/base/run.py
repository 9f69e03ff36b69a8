"""Start nodes, spin them until somebody stops them, and end with an honest exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import rclpy
from ament_index_python.packages import get_package_share_directory
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node


def load_transport_profile() -> None:
    """Let Fast DDS carry large images in this process too, unless the user chose a profile."""
    share = Path(get_package_share_directory("aliked_ros"))
    profile = str(share / "config" / "fastdds_large_images.xml")
    for name in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"):
        os.environ.setdefault(name, profile)


def run(make_nodes: Callable[[], Node | list[Node]]) -> int:
    """Run one or several nodes until Ctrl-C, a shutdown, or a SystemExit; return the exit code.

    0 after Ctrl-C or a regular end; 1 with one line on stderr if a node cannot start.
    """
    nodes: list[Node] = []
    load_transport_profile()
    interrupts = _note_interrupts()
    try:
        rclpy.init()
        made = make_nodes()
        nodes = made if isinstance(made, list) else [made]
        executor = SingleThreadedExecutor()
        for node in nodes:
            executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except (ValueError, OSError, RuntimeError, ParameterException) as error:
        # A publish that lost the race against the shutdown, or a Ctrl-C inside rclpy's compiled
        # part, which makes a RuntimeError of it.
        if nodes and (interrupts or not rclpy.ok()):
            return 0
        if nodes:
            raise
        sys.stderr.write(f"cannot start: {error}\n")
        return 1
    finally:
        _end(nodes)
    return 0


def _note_interrupts() -> list[int]:
    """Return the list that every Ctrl-C from now on is noted in, beside its usual effect."""
    interrupts: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    return interrupts


def _end(nodes: list[Node]) -> None:
    # ros2 launch passes on the Ctrl-C that the terminal has sent already: the second one must not
    # break the first one's clean end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()
