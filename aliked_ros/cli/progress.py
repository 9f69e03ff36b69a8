"""Progress bars that suit a terminal and a log file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def progress_bar(
    items: Iterable[Any] | None = None,
    *,
    desc: str = "",
    unit: str,
    total: int | None = None,
) -> Any:
    """Return tqdm's bar; in a log file it writes a line now and then only.

    Args:
        items: to go through; None: the caller updates the bar.
        desc: in front of it.
        unit: of the rate.
        total: number of steps, where the items do not tell.
    """
    from tqdm import tqdm

    period_s = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(items, desc=desc, unit=unit, total=total, mininterval=period_s)
