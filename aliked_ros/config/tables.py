"""The catalogue of parameters as a table for README and as config/aliked.yaml."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import Any

from aliked_ros.config.catalogue import NODES, Entry, parameters_of
from aliked_ros.config.knobs import listed

# What an integrator looks for first: README shows these, config/aliked.yaml shows all.
FIRST = (
    "extractor.model",
    "extractor.weights",
    "extractor.device",
    "extractor.precision",
    "extractor.backend",
    "extractor.max_keypoints",
    "extractor.detection_threshold",
    "max_rate_hz",
    "target_rate_hz",
    "descriptor_type",
    "cameras",
    "image_width",
    "crop",
    "mask",
    "use_mask_topic",
    "odometry.sensor",
    "odometry.ransac_threshold_px",
    "odometry.min_inliers",
    "camera_transform",
    "odom_frame",
    "base_frame",
    "publish_tf",
    "rectified_images",
    "depth_transport",
    "depth_scale",
    "sync_slop_s",
    "restart_at",
    "image_transport",
    "stamps",
    "grey_range",
    "max_megapixels",
    "autostart",
)
_LINE = 118  # characters of a row
_WIDTH = 28  # of a name with its value, before the comment
_HEAD = """\
# Every parameter with its default; made from aliked_ros/config by scripts/write_parameters.py.
# `ros2 param describe NODE NAME` says the same; a value that is not allowed is refused with the
# reason. [live]: may be set while the node works; the others take effect when it is configured.
# The launch file gives this file to all nodes; each takes what is its own. `**` stands for any
# namespace.
"""


def markdown() -> str:
    """Return a table of the parameters in FIRST, one row each."""
    rows = ["| node | parameter | default | live | meaning |", "|---|---|---|---|---|"]
    for name in FIRST:
        # The first node that has it gives the meaning; others that mean the same are named, too.
        entries = [(node, one) for node in NODES for one in parameters_of(node) if one.name == name]
        first = entries[0][1]
        nodes = [node.removeprefix("aliked_") for node, one in entries if one == first]
        who = "all" if len(nodes) == len(NODES) else " ".join(nodes)
        rows.append(_row(who, first))
    return "\n".join(rows) + "\n"


def yaml() -> str:
    """Return config/aliked.yaml."""
    shared = _shared()
    common = [
        next(one for one in parameters_of(nodes[0]) if one.name == name)
        for name, nodes in shared.items()
    ]
    parts = [_HEAD, _section("/**", common)]
    for node in NODES:
        own = [entry for entry in parameters_of(node) if entry.name not in shared]
        parts.append(_section(f"/**/{node}", own))
    return "\n".join(parts)


def _shared() -> dict[str, list[str]]:
    """Return the names that mean the same in several nodes and nothing else in any, with these."""
    meanings: dict[str, set[type]] = {}
    nodes: dict[str, list[str]] = {}
    for node in NODES:
        for entry in parameters_of(node):
            meanings.setdefault(entry.name, set()).add(entry.config)
            nodes.setdefault(entry.name, []).append(node)
    return {name: who for name, who in nodes.items() if len(who) > 1 and len(meanings[name]) == 1}


def _row(node: str, entry: Entry) -> str:
    """Return the row of a parameter, and more rows for a meaning that is longer than a line."""
    live = "yes" if entry.field.metadata["is_live"] else ""
    default = "" if entry.field.default == "" else _yaml(entry.field.default)
    head = f"| {node} | `{entry.name}` | {default} | {live} | "
    first, *more = wrap(_meaning(entry), _LINE - len(head) - 2)
    rows = [f"{head}{first} |"]
    if more:
        rows += [f"| | | | | {line} |" for line in wrap(" ".join(more), _LINE - 14)]
    return "\n".join(rows)


def _meaning(entry: Entry) -> str:
    limits = entry.field.metadata
    text = limits["description"]
    if limits["choices"]:
        return f"{text} ({listed(limits['choices'])})"
    low, high = limits["minimum"], limits["maximum"]
    if low is not None and high is not None:
        return f"{text}; {low:g} to {high:g}"
    return f"{text}; at least {low:g}" if low else text


def _section(title: str, entries: list[Entry]) -> str:
    """Return the parameters of a node, those without a prefix first."""
    lines = [f"{title}:", "  ros__parameters:"]
    prefixes = Counter(entry.name.rpartition(".")[0] for entry in entries)
    for prefix in sorted(prefixes, key=bool):
        indent = "    "
        if prefix:
            lines.append(f"{indent}{prefix}:")
            indent += "  "
        for entry in entries:
            if entry.name.rpartition(".")[0] == prefix:
                name = entry.name.rpartition(".")[2]
                item = f"{indent}{name}: {_yaml(entry.field.default)}"
                live = "[live] " if entry.field.metadata["is_live"] else ""
                lines.append(f"{item:<{_WIDTH}}  # {live}{_meaning(entry)}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    """Return a value as YAML writes it, a float never as an integer."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if value else '""'
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    return repr(value)
