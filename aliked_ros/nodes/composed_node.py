"""Extractor and tracker in one process: features go from one to the other by reference."""

from __future__ import annotations

from collections.abc import Callable

from aliked_ros.config import ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.extractor_node import ExtractorNode
from aliked_ros.nodes.tracker.session import MakeOdometry, make_live_odometry
from aliked_ros.nodes.tracker_node import TrackerNode


def make_nodes(
    make_extractor: Callable[[ExtractorConfig], Extractor] = Extractor,
    make_odometry: MakeOdometry = make_live_odometry,
) -> list[ManagedNode]:
    """Return both nodes, the source first: it is destroyed first.

    Args:
        make_extractor: config -> extractor.
        make_odometry: config, matcher, camera and right camera or None -> odometry.

    Raises:
        ValueError: if a parameter is not allowed.
    """
    tracker = TrackerNode(make_odometry, has_local_extractor=True)
    try:
        extractor = ExtractorNode(make_extractor, tracker)
        if extractor.get_name() == tracker.get_name():
            extractor.destroy_node()
            raise ValueError(
                f"both nodes are called {tracker.get_name()}: rename one node of the process with "
                "-r aliked_extractor:__node:=NAME"
            )
    except BaseException:
        tracker.destroy_node()
        raise
    return [extractor, tracker]


def main() -> int:
    """Run both nodes."""
    return run(make_nodes)
