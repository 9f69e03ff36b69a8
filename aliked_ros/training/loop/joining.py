"""How a process finds the others that torchrun started, and its device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed

from aliked_ros.extractor import pick_device
from aliked_ros.training.loop.processes import Processes


@contextmanager
def join(device: str) -> Iterator[Processes]:
    """Join the other processes that torchrun started; alone without it.

    Args:
        device: as in ExtractorConfig; with "auto" or "cuda", each process of a machine takes the
            GPU of its local rank.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1, pick_device(device))
        return
    if device in ("auto", "cuda") and torch.cuda.is_available():
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    chosen = pick_device(device)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)  # NCCL takes the current one
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), count, chosen)
    finally:
        distributed.destroy_process_group()
