"""policy: the security policy (SROS 2) of the nodes, for the arguments of the launch file."""

from __future__ import annotations

import argparse
from pathlib import Path

from aliked_ros.starting.arguments import read_arguments
from aliked_ros.starting.plan import make_plan
from aliked_ros.starting.policy import make_policy

DESCRIPTION = "Write the SROS 2 policy that allows what the nodes do: docs/security.md."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: printed")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="NAME:=VALUE",
        help="arguments of the launch file that name topics: namespace, cameras, image_topic, "
        "camera_info_topic, ...; and enclaves",
    )


def run(options: argparse.Namespace) -> int:
    """Write or print the policy.

    Returns:
        0.

    Raises:
        ValueError: naming the argument that is wrong.
    """
    policy = make_policy(make_plan(read_arguments(options.words)))
    if options.out is None:
        print(policy, end="")
    else:
        options.out.write_text(policy)
    return 0
