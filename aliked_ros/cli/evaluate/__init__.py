"""evaluate: features and odometry against the field's benchmarks, one subcommand each."""

from __future__ import annotations

import argparse

from aliked_ros.cli.commands import add_commands

DESCRIPTION = "Score features and odometry as the field's tables do."
SUBCOMMANDS = (
    "homography",
    "pairs",
    "make-pairs",
    "localization",
    "hloc-features",
    "robustness",
    "speed",
    "results",
    "odometry",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    add_commands(parser, __name__, SUBCOMMANDS, "subcommand", "WHAT")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    return int(options.run_subcommand(options))
