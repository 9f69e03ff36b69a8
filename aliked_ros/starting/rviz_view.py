"""The view of rviz for the frames of a robot."""

from __future__ import annotations

import re


def rviz_view(view: str, odom_frame: str, base_frame: str) -> str:
    """Return the text of a view (.rviz) that is fixed to one frame and follows another.

    Args:
        view: as config/aliked.rviz has it.
        odom_frame: the fixed frame.
        base_frame: that the camera of the view follows.
    """
    for key, frame in (("Fixed Frame", odom_frame), ("Target Frame", base_frame)):
        # YAML takes a quoted word as it is, also one such as `on` or `1`.
        view = re.sub(rf"^( *{key}:).*$", rf"\g<1> '{frame}'", view, flags=re.MULTILINE)
    return view
