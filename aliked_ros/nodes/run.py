"""Start a node, spin it until somebody stops it, and end with an honest exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


def run(make_node: Callable[[], Node]) -> int:
    """Run a node until Ctrl-C, a shutdown, or its own SystemExit; return the exit code.

    0 after Ctrl-C or a regular end; 1 with one line on stderr if the node cannot start.
    """
    node = None
    try:
        rclpy.init()
        node = make_node()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except (ValueError, OSError, RuntimeError, ParameterException) as error:
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
