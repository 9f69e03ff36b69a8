"""What a node says of its frames, and whether its sum is exact."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from running_nodes import Probe

SETTLED_S = 2.5  # after the last message, every frame has met its fate and a report has told


@dataclass
class Sum:
    """The counts of a node.

    Attributes:
        received: frames.
        processed: frames.
        skipped: cause -> frames.
        lost: sent and never received, by the node's own account.
        others: what else is counted, name -> number.
    """

    received: int
    processed: int
    skipped: dict[str, int]
    lost: int
    others: dict[str, int] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        """Whether every frame has met one fate."""
        return self.received == self.processed + sum(self.skipped.values())

    def __str__(self) -> str:
        causes = "".join(f" + {num} {cause}" for cause, num in self.skipped.items() if num)
        sign = "=" if self.is_exact else "IS NOT"
        others = "".join(f"; {num} {name}" for name, num in self.others.items() if num)
        return f"received {self.received} {sign} {self.processed} processed{causes}{others}"


def read_sum(probe: Probe, node: str) -> Sum:
    """Return the counts of a node, of a report that is made after now.

    Args:
        probe: listens to /diagnostics.
        node: name.
    """
    since = len(probe.heard["/diagnostics"])
    name = f"{node}: frames"

    def newest() -> dict[str, str] | None:
        for message in reversed(probe.heard["/diagnostics"][since:]):
            for status in message.status:
                if status.name == name:
                    return {item.key: item.value for item in status.values}
        return None

    probe.wait_until(lambda: newest() is not None, f"a report of {node}")
    return _read(newest() or {})


def read_settled_sum(probe: Probe, node: str) -> Sum:
    """Return the counts of a node that gets no frames any more, once two reports agree."""
    time.sleep(SETTLED_S)
    before, newest = None, read_sum(probe, node)
    while newest != before:
        before, newest = newest, read_sum(probe, node)
    return newest


def _read(values: dict[str, Any]) -> Sum:
    skipped = "skipped, "
    return Sum(
        received=int(values["received"]),
        processed=int(values["processed"]),
        skipped={
            key.removeprefix(skipped): int(value)
            for key, value in values.items()
            if key.startswith(skipped)
        },
        lost=int(values["sent and not received"]),
        others={
            key: int(value)
            for key, value in values.items()
            if "failed" in key or "not used" in key or "too late" in key
        },
    )
