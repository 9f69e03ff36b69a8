"""python3 -m aliked_ros: picks the command and turns its errors into one line."""

from __future__ import annotations

from aliked_ros.interruption import end_silently

if __name__ == "__main__":
    end_silently()  # before the slow imports

import argparse
import sys
from collections.abc import Sequence

from aliked_ros import __version__
from aliked_ros.cli.commands import add_commands

COMMANDS = (
    "run", "extract", "match", "track", "report", "evaluate", "export", "train", "policy"
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 if it could not do what was asked, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    if options.traceback:
        return int(options.run_command(options))
    try:
        return int(options.run_command(options))
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        # Errors of ours have a type of their own; a bare RuntimeError is torch's or a bug.
        if type(error) is RuntimeError:
            raise
        reason = " ".join(_in_words(error).split())
        print(f"aliked_ros {options.command}: {reason}", file=sys.stderr)
        return 2


def _in_words(error: Exception) -> str:
    """Return what an error says; those of the system name the file, and the way out."""
    if not isinstance(error, OSError) or error.strerror is None or error.filename is None:
        return str(error)
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return f"{error.filename}: a file is where a folder is to be made; give another folder"
    return f"{error.filename}: {error.strerror}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m aliked_ros", description="ALIKED local features and visual odometry."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--traceback", action="store_true", help="show where an error arose")
    add_commands(parser, "aliked_ros.cli", COMMANDS, "command", "COMMAND")
    return parser


if __name__ == "__main__":
    code = main()
    end_silently()
    sys.exit(code)
