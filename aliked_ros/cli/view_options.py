"""Options that ask for a page or a file to look at, and what they open."""

from __future__ import annotations

import argparse
import sys
import time  # noqa: TID251 - a page waits for its user
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.interruption import interruption

if TYPE_CHECKING:
    from aliked_ros.view.viewer import Viewer


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Declare --view and --view-file."""
    parser.add_argument(
        "--view", action="store_true", help="show the run on a page in the browser, until Ctrl-C"
    )
    parser.add_argument(
        "--view-file", type=Path, metavar="FILE.rrd", help="write what the page shows into a file"
    )


@contextmanager
def open_viewer(options: argparse.Namespace) -> Iterator[Viewer | None]:
    """Open what the options ask for, if anything; all that was taken is shown before the end.

    Raises:
        MissingPackageError: if there is no rerun.
        ValueError: naming the file, if it is no .rrd.
    """
    file: Path | None = options.view_file
    if file is not None and file.suffix != ".rrd":
        raise ValueError(f"--view-file is {file}: give a name that ends with .rrd")
    if not options.view and file is None:
        yield None
        return
    from aliked_ros.view.viewer import Viewer

    # Nobody waits for a page that lags; a file without one holds every frame.
    viewer = Viewer(page=options.view, file=file, up="-y", waits=not options.view)
    if viewer.address:
        print(f"view: {viewer.address}", file=sys.stderr)
    try:
        yield viewer
    finally:
        viewer.close()
    if viewer.num_dropped:
        print(f"view: {viewer.num_dropped} frames were not shown, it lagged", file=sys.stderr)
    if file is not None:
        print(f"written: {file}")


def leave_open(viewer: Viewer | None) -> None:
    """Wait for Ctrl-C or SIGTERM if there is a page to look at."""
    if viewer is None or not viewer.address:
        return
    print(f"the page stays until Ctrl-C: {viewer.address}", file=sys.stderr)
    with interruption() as asked:
        while not asked.is_asked and viewer.is_open:
            time.sleep(0.1)
