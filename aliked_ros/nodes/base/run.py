"""Start nodes, spin them until somebody stops them, and end with an honest exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import rclpy
from ament_index_python.packages import get_package_share_directory
from rclpy.context import Context
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from aliked_ros.nodes.base.causes import Causes, printable
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.signals import Stopper
from aliked_ros.starting.transport import has_profile, profile_variable

MakeNodes = Callable[[], ManagedNode | list[ManagedNode]]


def load_transport_profile() -> None:
    """Let Fast DDS carry large images in this process too, unless the user chose a profile."""
    share = Path(get_package_share_directory("aliked_ros"))
    if not has_profile():
        os.environ[profile_variable()] = str(share / "config" / "fastdds_large_images.xml")


def check_security() -> None:
    """Raise ValueError where security is asked for and rcl would not say what it lacks."""
    is_enforced = os.environ.get("ROS_SECURITY_STRATEGY") == "Enforce"
    is_on = os.environ.get("ROS_SECURITY_ENABLE") == "true"
    if is_on and is_enforced and not os.environ.get("ROS_SECURITY_KEYSTORE"):
        raise ValueError(
            "ROS_SECURITY_ENABLE is true and ROS_SECURITY_KEYSTORE is not set: set it to the "
            "folder of the keystore (docs/security.md)"
        )


class BadArgumentsError(Exception):
    """What stands behind --ros-args cannot be used."""


def begin(arguments: list[str] | None = None, context: Context | None = None) -> None:
    """Initialise ROS with the arguments of the process.

    Raises:
        BadArgumentsError: if ROS cannot use them; nothing has begun then.
    """
    try:
        rclpy.init(args=arguments, context=context)
    except RuntimeError as error:
        # Behind it stand lines of ROS's sources.
        reason = " ".join(re.sub(r", at /\S+:\d+", "", str(error)).split())
        raise BadArgumentsError(
            f"ROS cannot use the arguments behind --ros-args: {reason}; check the parameter files "
            "(NODE: ros__parameters: NAME: VALUE) and each -p NAME:=VALUE and -r FROM:=TO"
        ) from error


def run(make_nodes: MakeNodes) -> int:
    """Run one or several nodes until Ctrl-C, a shutdown, or a SystemExit; return the exit code.

    0 after Ctrl-C, SIGTERM or a regular end; 1 with one line on stderr if a node cannot start.
    """
    nodes: list[ManagedNode] = []
    stopper, was_up = Stopper(), False
    try:
        load_transport_profile()
        check_security()
        begin()
        was_up = True
        made = make_nodes()
        nodes = made if isinstance(made, list) else [made]
        _start(nodes, stopper)
        if not stopper.is_asked:
            _spin(nodes)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BadArgumentsError as error:
        if not stopper.is_asked:
            sys.stderr.write(f"cannot start: {printable(str(error))}\n")
            return 1
    except (ValueError, OSError, RuntimeError, ParameterException) as error:
        was_shut_down = was_up and not rclpy.ok()  # by a signal that we did not see
        if not (stopper.is_asked or was_shut_down):
            sys.stderr.write(f"cannot start: {printable(explain(error))}\n")
            return 1
    finally:
        stopper.is_ending = True
        for node in nodes:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _start(nodes: list[ManagedNode], stopper: Stopper) -> None:
    """Configure and activate the nodes that do that themselves; the last one comes first.

    A source is made last and named first: who takes what it sends is there before it.
    """
    for node in reversed(nodes):
        if stopper.is_asked:
            return
        node.start_up()


def _spin(nodes: list[ManagedNode]) -> None:
    """Spin until the context is shut down; what a callback raises is said, and ends nothing."""
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    causes = Causes(lambda text: nodes[0].get_logger().error(text))
    while rclpy.ok():
        try:
            executor.spin()
        except Exception as error:
            if isinstance(error, ExternalShutdownException) or not rclpy.ok():
                return  # a publish that lost the race against the shutdown
            causes.note("callback", f"a callback failed: {explain(error)}")
