"""Parameters that were given and that nobody takes: mostly a typing error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from rclpy.node import Node

from aliked_ros.config.catalogue import NODES, all_names, parameters_of

# Names that other parts of ROS read, though no node of ours declares them.
_OTHERS = ("qos_overrides.", "diagnostic_updater.", "bond")


def warn_of_unknown(node: Node) -> None:
    """Say which parameters were given to a node that it does not have, with the nearest name."""
    known = set(node.list_parameters([], 0).names)
    # A file for all nodes, and all nodes of one process, get what belongs to the others, too.
    allowed = known | all_names()
    unknown = sorted(
        name
        for name in node._parameter_overrides
        if name not in allowed and not name.startswith(_OTHERS)
    )
    usual = node.get_name()
    own = {entry.name for entry in parameters_of(usual)} if usual in NODES else allowed
    for name in unknown:
        near = get_close_matches(name, own, 1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else "ros2 param list shows those that it has"
        node.get_logger().warning(f"parameter {name} is not one of {node.get_name()}: {remedy}")


def warn_of_sections(node: Node, usual_name: str, arguments: list[str] | None = None) -> None:
    """Say which parameter files hold nothing for a node, though they were given to it.

    A file that is for other nodes of this package, too, is nothing to warn of: a process may hold
    several of them.

    Args:
        node: its name may be another than usual.
        usual_name: of such nodes.
        arguments: of the process; None: its own.
    """
    own = node.get_fully_qualified_name()
    others = [name for name in NODES if name != usual_name or own.endswith(f"/{name}")]
    for file in _parameter_files(sys.argv if arguments is None else arguments):
        sections = list(_sections(_content(file)))
        is_ours = any(_fits(section, own) for section in sections)
        is_theirs = any(section.rpartition("/")[2] in others for section in sections)
        if sections and not is_ours and not is_theirs:
            node.get_logger().warning(
                f"{file} holds parameters for {', '.join(sections)}, none for {own}: name the "
                "section like the node, or /**"
            )


def _parameter_files(arguments: list[str]) -> list[str]:
    return [file for option, file in pairwise(arguments) if option == "--params-file"]


def _content(file: str) -> Any:
    with suppress(OSError, ValueError, yaml.YAMLError):
        return yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    return None  # ROS has read it; it is not for us to complain


def _sections(content: Any, path: str = "") -> Iterator[str]:
    """Yield the names of nodes that a parameter file has, with their namespaces."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        name = f"{path}/{str(key).strip('/')}"
        if key == "ros__parameters":
            yield path
        else:
            yield from _sections(value, name)


def _fits(section: str, name: str) -> bool:
    """Return whether the section of a file, which may have wildcards, is for a node."""
    parts = [
        "(/[^/]+)*" if part == "**" else "/" + re.escape(part).replace(r"\*", "[^/]+")
        for part in section.strip("/").split("/")
    ]
    return re.fullmatch("".join(parts), name) is not None
