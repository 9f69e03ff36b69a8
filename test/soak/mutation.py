"""Messages that contradict themselves: any message, some of its fields changed at random."""

from __future__ import annotations

import re
from copy import deepcopy
from random import Random
from typing import Any

BAD_INTS = (0, 1, 2, 3, 7, 100, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**64 - 1)
BAD_FLOATS = (0.0, -1.0, 1.0, 1e-45, 1e-300, 1e300, 3e38, float("inf"), -float("inf"), float("nan"))
BAD_STRINGS = (
    "",
    " ",
    "x",
    "é",
    "a\nb",
    "/",
    "mono8",
    "32FC1",
    "16UC1; compressedDepth png",
    "a" * 5000,
)
_MAX_LENGTH = 200_000  # of an array, whatever happens to it
_Field = tuple[Any, str, str]  # message, name and kind of one of its fields


def mutate(message: Any, random: Random) -> Any:
    """Return a copy of a message, one to three of whose fields differ."""
    changed = deepcopy(message)
    found = _fields(changed)
    for _ in range(random.choice((1, 1, 2, 3))):
        owner, name, kind = random.choice(found)
        setattr(owner, name, _other(getattr(owner, name), kind, random))
    return changed


def _fields(message: Any) -> list[_Field]:
    """Return the fields of a message and of the messages in it, but for those in arrays."""
    found = []
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types"):
            found += _fields(value)
        else:
            found.append((message, name, kind))
    return found


def _other(value: Any, kind: str, random: Random) -> Any:
    if kind.startswith("sequence"):
        return _other_sequence(value, _item_kind(kind), random)
    if kind.endswith("]"):  # its length is fixed
        return _with_other_item(list(value), _item_kind(kind), random)
    return _other_scalar(value, kind, random)


def _item_kind(kind: str) -> str:
    return re.sub(r"sequence<([^,>]*).*|(.*)\[\d+\]", r"\1\2", kind)


def _other_sequence(values: Any, kind: str, random: Random) -> Any:
    """Return a sequence that is shorter, longer, empty, or has another item."""
    way = random.choice(("cut", "cut", "double", "empty", "item", "item", "item"))
    if way == "cut":
        return values[: random.randint(0, len(values))]
    if way == "double":
        return (values + values[: random.randint(0, 9)])[:_MAX_LENGTH]
    if way == "empty" or len(values) == 0:
        return values[:0]
    return _with_other_item(values[:], kind, random)


def _with_other_item(values: Any, kind: str, random: Random) -> Any:
    if "/" in kind:  # messages: one is mutated in turn
        index = random.randrange(len(values))
        values[index] = mutate(values[index], random)
        return values
    for _ in range(random.choice((1, 1, 20))):
        index = random.randrange(len(values))
        values[index] = _other_scalar(values[index], kind, random)
    return values


def _other_scalar(value: Any, kind: str, random: Random) -> Any:
    if kind == "boolean":
        return not value
    if kind.startswith("string"):
        return random.choice(BAD_STRINGS)
    if kind in {"float", "double"}:
        other = random.choice(BAD_FLOATS)
        # A message refuses what its type cannot hold.
        return other if kind == "double" or abs(other) < 3.4e38 or abs(other) > 1e301 else 0.0
    low, high = _range(kind)
    near = int.from_bytes(value, "little") if isinstance(value, bytes) else int(value)
    other = random.choice((*BAD_INTS, near - 1, near + 1, near + 37, low, high))
    clipped = min(max(other, low), high)
    return bytes([clipped]) if kind == "octet" else clipped


def _range(kind: str) -> tuple[int, int]:
    if kind == "octet":
        return 0, 255
    bits = int(kind.lstrip("uint"))
    return (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
