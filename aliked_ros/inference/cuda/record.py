"""Which kernels proved themselves on this machine: a small file, so that it is asked once only."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import torch
import triton
from torch import nn

from aliked_ros.network.released import cache_folder


class Record:
    """What is known about the kernels for one network on one card with these versions.

    Before a kernel runs for the first time its name is written down: where it takes the process
    with it, the next one leaves it out.

    Args:
        path: of the file; it may be absent, and the folder may be read-only.

    Attributes:
        left_out: kernel -> why it is not used.
        proven: kernels that gave the right results.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.left_out: dict[str, str] = {}
        self.proven: set[str] = set()
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            stored = json.loads(path.read_text())
            self.proven = set(stored["proven"])
            self.left_out = dict(stored["left_out"])
            if begun := stored["begun"]:
                self.left_out[begun] = "it ended a process the last time that it was tried"

    def knows(self, name: str) -> bool:
        """Return whether a kernel has been judged."""
        return name in self.proven or name in self.left_out

    def begin(self, name: str) -> None:
        """Note that a kernel is about to run for the first time."""
        self._write(name)

    def judge(self, name: str, problem: str) -> None:
        """Note what came of it; an empty problem is none."""
        if problem:
            self.left_out[name] = problem
        else:
            self.proven.add(name)
        self._write("")

    def _write(self, begun: str) -> None:
        content = {
            "begun": begun,
            "left_out": self.left_out,
            "proven": sorted(self.proven),
        }
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial = self._path.with_suffix(".partial")
            partial.write_text(json.dumps(content, indent=1))
            partial.replace(self._path)


def record_of(network: nn.Module | None, what: object, device: torch.device) -> Record:
    """Return the record of kernels on a device with the versions in use.

    Args:
        network: whose parameters count; None if there is none.
        what: else tells the kernels apart, as a type or a length.
        device: where they run.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    for name, value in (network.state_dict() if network is not None else {}).items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    versions = (torch.__version__, torch.version.cuda, triton.__version__, what)
    card = (torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device))
    digest.update(repr((versions, card)).encode())
    return Record(cache_folder() / "kernels" / f"{digest.hexdigest()[:32]}.json")
