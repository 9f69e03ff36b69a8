"""The one place where kernels are started, so that they can be counted, timed, or compiled only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Start = Callable[[str, Any, tuple[int, ...], tuple[Any, ...], dict[str, Any]], None]


def run(
    name: str, kernel: Any, grid: tuple[int, ...], arguments: tuple[Any, ...],
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Start a kernel; the name of the launch is for those who watch."""
    del name
    kernel[grid](*arguments, **settings)


start: Start = run  # tests, benchmarks and scripts put something else here


def launch(
    name: str, kernel: Any, grid: tuple[int, ...], choice: Mapping[str, int],
    *arguments: Any, **settings: Any,
) -> None:  # fmt: skip
    """Start a kernel.

    Args:
        name: of the launch in `tuning`.
        kernel: a function of Triton.
        grid: number of programs along each axis.
        choice: how it is cut, from `tuning`.
        arguments: tensors and numbers, in the order of the kernel.
        settings: its constants by name.
    """
    start(name, kernel, grid, arguments, {**settings, **choice})
