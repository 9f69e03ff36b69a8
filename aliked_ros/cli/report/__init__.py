"""report: the folder of a run, or a bag -> one HTML file to look at and to send."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = (
    "Write one HTML file that shows a run of `track` or `make demo`, or a bag with our messages."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run", type=Path, metavar="DIR|BAG", help="output folder of the run, or a rosbag2"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: report.html beside it)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the page and name it.

    Raises:
        ValueError: naming the folder or file, if it is not one of a run.
        MissingPackageError: for a bag, if rosbags is not installed.
    """
    from aliked_ros.cli.report.bag_run import is_bag, read_bag_run
    from aliked_ros.cli.report.page import make_page
    from aliked_ros.cli.report.run_files import read_run

    source: Path = options.run
    page = make_page(read_bag_run(source) if is_bag(source) else read_run(source))
    folder = source if source.is_dir() else source.parent
    file = options.out or folder / "report.html"
    file.write_text(page, encoding="utf-8")
    print(f"written: {file}")
    return 0
