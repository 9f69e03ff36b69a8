"""How the kernels are cut into programs: what a measurement may change, and nothing else.

Numbers of a choice: `block` rows or pixels of a program, `chunk` channels, `depth` terms at a time,
`num_warps` of 32 threads, `num_stages` of loads under way; see the kernels for the others.
"""

from __future__ import annotations

Tuning = dict[str, dict[str, int]]

_SHARED: Tuning = {
    "image": {"block": 128, "num_warps": 4, "num_stages": 1},
    "block1": {"block": 128, "num_warps": 4, "num_stages": 3},
    "block2_first": {"block": 128, "num_warps": 4, "num_stages": 3},
    "block2_second": {"block": 128, "num_warps": 4, "num_stages": 2},
    "offsets3": {"block": 32, "num_warps": 4, "num_stages": 3},
    "deform3": {"block": 32, "num_warps": 4, "num_stages": 1},
    "offsets4": {"block": 16, "num_warps": 4, "num_stages": 3},
    "deform4": {"block": 16, "chunk": 32, "num_warps": 4, "num_stages": 1},
    "project": {"block": 16, "num_warps": 4, "num_stages": 1},
    "add_levels": {"block": 128, "num_warps": 4, "num_stages": 1},
    "planes": {"block": 512, "num_warps": 4, "num_stages": 1},
    "peaks": {"block": 512, "num_warps": 4, "num_stages": 1},
    "keep": {"block": 512, "num_warps": 4, "num_stages": 1},
    "select": {"num_own": 8, "num_others": 512, "num_warps": 4, "num_stages": 1},
    "order": {"num_own": 16, "num_others": 512, "num_warps": 4, "num_stages": 1},
    "patches": {"block": 32, "num_warps": 4, "num_stages": 1},
    "offsets": {"block": 16, "depth": 64, "num_warps": 4, "num_stages": 3},
    "samples": {"block": 64, "num_warps": 8, "num_stages": 1},
    "aggregate": {"block": 32, "num_parts": 8, "depth": 32, "num_warps": 4, "num_stages": 3},
    "normalise": {"block": 4, "num_warps": 4, "num_stages": 1},
    "match": {"block": 128, "depth": 32, "wide": 1024, "num_warps": 8, "num_stages": 3},
}


def choices(overrides: Tuning | None = None) -> Tuning:
    """Return the choice of every launch, some of them replaced number by number."""
    changes = overrides or {}
    return {name: {**choice, **changes.get(name, {})} for name, choice in _SHARED.items()}


def blocks(count: int, block: int) -> int:
    """Return how many blocks hold a number of rows."""
    return -(-count // block)
