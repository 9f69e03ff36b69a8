"""What made a result: command, commit, hardware and versions."""

from __future__ import annotations

import platform
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aliked_ros import __version__

_PACKAGES = ("torch", "numpy", "opencv-python-headless", "poselib", "pycolmap")


def provenance(command: str = "") -> dict[str, str]:
    """Return name -> value, in the order in which a report shows it.

    Args:
        command: that made the result; empty: the one that this process was started with.
    """
    return {
        "command": f"`{command or _command()}`",
        "commit": _commit(),
        "hardware": hardware(),
        "versions": ", ".join(filter(None, map(_version, _PACKAGES))),
    }


def hardware() -> str:
    """Return the processor, the threads that torch uses and the GPU if there is one."""
    import torch

    parts = [_processor(), f"{torch.get_num_threads()} threads"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def _command() -> str:
    # Paths of one machine mean nothing on another: the last part tells which data it was.
    words = [re.sub(r"(^|=)[/~][^=]*/", r"\1", word.rstrip("/")) for word in sys.argv[1:]]
    return shlex.join(["python3", "-m", "aliked_ros", *words])


def _commit() -> str:
    folder = Path(__file__).resolve().parent
    try:
        git = ["git", "-C", str(folder)]
        commit = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], capture_output=True,
                                text=True, check=True).stdout.strip()  # fmt: skip
        changes = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no"],
                                 capture_output=True, text=True, check=True).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return f"version {__version__}, no repository"
    return f"{commit}{' with local changes' if changes else ''}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
