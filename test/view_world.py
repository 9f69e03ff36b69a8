"""What the tests of the page in a browser need, and whether it is there."""

import os
import re
import time  # noqa: TID251 - it waits for a browser

import numpy as np
import pytest
from browser import find_browser

from aliked_ros.extras import MissingPackageError
from aliked_ros.view.viewer import find_python

_PATIENCE_S = 180.0
# As page.py draws them.
_TRACKS, _PATH, _KEYFRAMES = (60, 220, 130), (70, 160, 255), (255, 150, 50)


def require_browser():
    """Skip the test, or fail under `make view-test`, where rerun or a browser is missing."""
    missing = []
    try:
        find_python()
    except MissingPackageError as error:
        missing.append(str(error))
    if find_browser() is None:
        missing.append("no chromium: sudo apt install chromium, or set ALIKED_CHROMIUM")
    if missing and os.environ.get("ALIKED_VIEW_TEST") == "must":
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing) + "; `make view-test` runs this")


def address_in(text):
    """Return the address of a page that was printed, with a renderer that needs no GPU."""
    found = re.search(r"http://localhost:\d+/\?url=\S+", text)
    return found and f"{found[0]}&renderer=webgl"


def count(picture, colour):
    """Return how many pixels of a picture (H, W, 3) BGR have nearly this RGB colour."""
    return int((np.abs(picture[:, :, ::-1].astype(int) - colour).max(axis=2) < 24).sum())


def shows_image_and_map(picture):
    """Return whether a picture of the page has an image with tracks left, keyframes right."""
    left, right = _top(picture)
    # A photograph has thousands of colours, a user interface some dozens.
    num_colours = len(np.unique(left.reshape(-1, 3) // 8, axis=0))
    is_image = num_colours > 500 and count(left, _TRACKS) > 500
    return is_image and count(right, _KEYFRAMES) > 50


def shows_image_and_path(picture):
    """Return whether there is a path, too."""
    return shows_image_and_map(picture) and count(_top(picture)[1], _PATH) > 50


def _top(picture):
    """Return the views of image and map."""
    height, width = picture.shape[:2]
    return picture[: height // 2, : width * 2 // 5], picture[: height // 2, width // 2 :]


def wait_for_picture(browser, condition):
    """Return the first picture of which the condition holds, or the last one after some minutes."""
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        picture = browser.picture()
        if condition(picture) or time.monotonic() > end_s:
            return picture
        time.sleep(1.0)
