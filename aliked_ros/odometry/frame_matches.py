"""The matches of a new image with the views that it is compared with as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.structs import Matches


@dataclass(frozen=True, eq=False)
class FrameMatches:
    """The matches of a new image; None where there is no such view.

    Attributes:
        previous: with the previous image.
        first: with the view that a single camera begins at.
    """

    previous: Matches | None
    first: Matches | None
