"""report: the folder of a run -> one HTML file to look at and to send."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = "Write one HTML file that shows a run of `track` or `make demo`."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="output folder of the run")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: DIR/report.html)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the page and name it.

    Raises:
        ValueError: naming the folder or file, if it is not one of a run.
    """
    from aliked_ros.cli.report.page import make_page
    from aliked_ros.cli.report.run_files import read_run

    page = make_page(read_run(options.folder))
    file = options.out or options.folder / "report.html"
    file.write_text(page, encoding="utf-8")
    print(f"written: {file}")
    return 0
