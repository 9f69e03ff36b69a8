"""An error -> a sentence for the reader, who has not seen the source."""

from __future__ import annotations

import cv2


def explain(error: BaseException) -> str:
    """Return what went wrong; the assertions of OpenCV say nothing to a user."""
    if isinstance(error, cv2.error):
        return f"OpenCV could not work on it (in {getattr(error, 'func', '') or 'its own code'})"
    text = str(error)
    if isinstance(error, ValueError) and text:
        return text  # ours: it names the field, the value and the remedy
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
