"""evaluate: features and odometry against the field's benchmarks, one subcommand each."""

from __future__ import annotations

import argparse
from types import ModuleType

from aliked_ros.cli import (
    evaluate_hloc_features,
    evaluate_homography,
    evaluate_localization,
    evaluate_make_pairs,
    evaluate_odometry,
    evaluate_pairs,
    evaluate_results,
    evaluate_robustness,
    evaluate_speed,
)

DESCRIPTION = "Score features and odometry as the field's tables do."
SUBCOMMANDS: dict[str, ModuleType] = {
    "homography": evaluate_homography,
    "pairs": evaluate_pairs,
    "make-pairs": evaluate_make_pairs,
    "localization": evaluate_localization,
    "hloc-features": evaluate_hloc_features,
    "robustness": evaluate_robustness,
    "speed": evaluate_speed,
    "results": evaluate_results,
    "odometry": evaluate_odometry,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="WHAT")
    for name, module in SUBCOMMANDS.items():
        command = commands.add_parser(name, help=module.DESCRIPTION, description=module.DESCRIPTION)
        module.add_arguments(command)
        command.set_defaults(run_subcommand=module.run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    return int(options.run_subcommand(options))
