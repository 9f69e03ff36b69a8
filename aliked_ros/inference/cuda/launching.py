"""The one place where kernels are started, so that they can be counted, or compiled elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Start = Callable[[Any, tuple[int, ...], tuple[Any, ...], dict[str, Any]], None]


def _start(
    kernel: Any, grid: tuple[int, ...], arguments: tuple[Any, ...], settings: dict[str, Any]
) -> None:
    kernel[grid](*arguments, **settings)


start: Start = _start  # tests and scripts put something else here


def launch(
    kernel: Any, grid: tuple[int, ...], choice: Mapping[str, int], *arguments: Any, **settings: Any
) -> None:
    """Start a kernel.

    Args:
        kernel: a function of Triton.
        grid: number of programs along each axis.
        choice: how it is cut, from `tuning`.
        arguments: tensors and numbers, in the order of the kernel.
        settings: its constants by name.
    """
    start(kernel, grid, arguments, {**settings, **choice})
