"""Checkpoints: all that a run needs to resume as if it had never stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

_VERSION = 1


class CheckpointError(ValueError):
    """A checkpoint that does not belong to the run; the text says what to do."""


def save(state: dict[str, Any], config: dict[str, Any], path: Path) -> None:
    """Write the state of a run with the settings that decide its result."""
    write({"version": _VERSION, "config": config, "state": state}, path)


def load(path: Path, config: dict[str, Any]) -> dict[str, Any] | None:
    """Return the state of a run, or None if there is none yet.

    Args:
        path: of the checkpoint.
        config: settings that decide the result; they must be those of the checkpoint.

    Raises:
        CheckpointError: if it cannot be read, or is that of another run.
    """
    if not path.is_file():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a damaged file
        raise CheckpointError(
            f"{path} cannot be read ({type(error).__name__}): delete it to start over"
        ) from error
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise CheckpointError(f"{path} is not a checkpoint of this version: delete it")
    for key, value in config.items():
        if found["config"].get(key) != value:
            raise CheckpointError(
                f"{path} belongs to a run with {key} {found['config'].get(key)!r}, and now it is "
                f"{value!r}: set it back to resume, or give another folder (out) to start over"
            )
    state: dict[str, Any] = found["state"]
    return state


def write(value: Any, path: Path) -> None:
    """Save with torch, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    torch.save(value, partial)
    partial.replace(path)
