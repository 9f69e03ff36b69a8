"""What messages of all families have: stamps and flat arrays."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time


def stamp_to_ns(stamp: Time) -> int:
    """Return nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return the message of a time in nanoseconds, which must not be negative."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanoseconds)


def check_length(name: str, values: Any, expected: int, other: str, count: int) -> None:
    """Raise ValueError if a flat array has not as many numbers as another one asks for."""
    if len(values) != expected:
        raise ValueError(
            f"{name} has {len(values)} numbers for {count} {other}: it must have {expected}"
        )


def flat(typecode: str, values: Any) -> array:
    """Return a contiguous ndarray or CPU tensor as the flat array that rclpy copies at once.

    Assigning an ndarray or a list to a message field costs a Python loop over its elements.

    Args:
        typecode: of `array.array`; fits the type of the values.
        values: any shape; empty gives an empty array.
    """
    result = array(typecode)
    if len(values):
        contiguous: Any = np.ascontiguousarray(values)  # numpy 1.26's types know no buffers
        result.frombytes(memoryview(contiguous).cast("B"))
    return result
