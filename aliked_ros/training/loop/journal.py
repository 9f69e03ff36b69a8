"""Scalars and pictures of a training: lines of JSON, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aliked_ros.extras import MissingPackageError, require
from aliked_ros.structs import Pixels


class Journal:
    """Writes metrics.jsonl and, if tensorboardX can be imported, event files for TensorBoard.

    Args:
        folder: of the run.
        first_step: a resumed run begins here; later lines of the interrupted one are dropped.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        kept = []
        if path.is_file() and first_step > 0:
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _step(line) <= first_step]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        self._board = _open_board(folder, first_step)

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """Note values that belong to a step."""
        line: dict[str, Any] = {"step": step, "group": group, **values}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}", value, step)

    def picture(self, step: int, name: str, image: Pixels) -> None:
        """Note an image (H, W, 3) RGB."""
        if self._board is not None:
            self._board.add_image(name, image, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is still in memory."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _step(line: str) -> float:
    """Return the step of a line; infinity for one that a full disk or a crash cut off."""
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return math.inf


def _open_board(folder: Path, first_step: int) -> Any:
    try:
        require("tensorboardX", extra="train", feature="writing for TensorBoard")
    except MissingPackageError as error:
        warnings.warn(
            f"scalars go to metrics.jsonl only, and there are no pictures: {error}", stacklevel=2
        )
        return None
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder), purge_step=first_step + 1)
