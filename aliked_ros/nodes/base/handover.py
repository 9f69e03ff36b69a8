"""The features of one image on their way from the extractor to the tracker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from std_msgs.msg import Header

from aliked_ros.nodes.base.extraction import Extraction


@dataclass(frozen=True)
class Handover:
    """An extraction under way, in the extractor's own hands or as a message.

    Attributes:
        header: of the image; what synchronisers look at.
        sent_ns: when it was handed over, wall clock.
        open: returns the extraction; a message is decoded only here, and may raise ValueError.
    """

    header: Header
    sent_ns: int
    open: Callable[[], Extraction]
