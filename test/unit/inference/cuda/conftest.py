"""Runs the kernels on a GPU, and where there is none in Triton's interpreter (test/conftest.py)."""

from __future__ import annotations

import pytest
import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(scope="session")
def device() -> torch.device:
    """Where the kernels run."""
    return DEVICE


@pytest.fixture(autouse=True)
def _poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill new memory with numbers that nobody takes for results."""
    plain, like = torch.empty, torch.empty_like

    def spoil(memory: torch.Tensor) -> torch.Tensor:
        return memory.fill_(torch.nan if memory.is_floating_point() else 113)

    monkeypatch.setattr(torch, "empty", lambda *given, **how: spoil(plain(*given, **how)))
    monkeypatch.setattr(torch, "empty_like", lambda *given, **how: spoil(like(*given, **how)))
