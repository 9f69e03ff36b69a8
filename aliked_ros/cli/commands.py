"""Commands by name: each one is a module with DESCRIPTION, add_arguments and run."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any


def find_command(package: str, name: str) -> Any:
    """Return the module of a command; words of its name are joined by hyphens."""
    return import_module(f"{package}.{name.replace('-', '_')}")


def add_commands(
    parser: argparse.ArgumentParser, package: str, names: tuple[str, ...], level: str, metavar: str
) -> None:
    """Let a parser choose among commands.

    Args:
        parser: gets a subparser for each command; the options then hold the chosen name as
            `level` and what runs it as `run_LEVEL`.
        package: dotted name of the package that holds a module for each command.
        names: in the order of the help.
        level: "command", or "subcommand" below one.
        metavar: stands for the name in the help.
    """
    commands = parser.add_subparsers(dest=level, required=True, metavar=metavar)
    for name in names:
        module = find_command(package, name)
        command = commands.add_parser(name, help=module.DESCRIPTION, description=module.DESCRIPTION)
        module.add_arguments(command)
        command.set_defaults(**{f"run_{level}": module.run})
