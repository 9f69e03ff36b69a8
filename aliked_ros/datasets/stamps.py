"""Stamps as whole nanoseconds: read from text, counted at a rate, paired with each other."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np

from aliked_ros.structs import Index


def seconds_to_ns(text: str) -> int:
    """Return whole nanoseconds of a decimal number of seconds.

    A float64 of seconds since 1970 is only good to 240 ns, so two stamps of one instant, written
    with different numbers of digits, could differ; decimal arithmetic keeps what the file says.

    Raises:
        ValueError: not a finite number.
    """
    try:
        return int((Decimal(text) * 1_000_000_000).to_integral_value())
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(f"stamp is {text!r}: give seconds as a decimal number") from error


def ns_to_seconds(stamp_ns: int) -> str:
    """Return seconds with nine decimals; exact."""
    sign = "-" if stamp_ns < 0 else ""
    return f"{sign}{abs(stamp_ns) // 1_000_000_000}.{abs(stamp_ns) % 1_000_000_000:09d}"


def at_rate(num_frames: int, rate_hz: float) -> Index:
    """Return (num_frames,) stamps in nanoseconds, from 0 on, 1/rate apart."""
    if not rate_hz > 0:
        raise ValueError(f"rate is {rate_hz} Hz: it must be positive")
    return np.asarray(np.round(np.arange(num_frames) * (1e9 / rate_hz)), np.int64)


def increasing(stamps_ns: Index) -> Index:
    """Return the positions that put stamps in order, each stamp once (its first mention)."""
    return np.unique(stamps_ns, return_index=True)[1].astype(np.int64)


def nearest(stamps_ns: Index, others_ns: Index, tolerance_ns: int) -> Index:
    """Find the partner of each stamp among others.

    Args:
        stamps_ns: (N,) int64, in order.
        others_ns: (M,) int64, in order; M may be 0.
        tolerance_ns: pairs further apart than this are none.

    Returns:
        (N,) int64 positions in `others_ns`, -1 where no partner is near enough. A partner serves
        only the stamp that it is nearest to.
    """
    if len(stamps_ns) == 0 or len(others_ns) == 0:
        return np.full(len(stamps_ns), -1, np.int64)
    partners = _closest(stamps_ns, others_ns)
    mutual = _closest(others_ns, stamps_ns)[partners] == np.arange(len(stamps_ns))
    near = np.abs(others_ns[partners] - stamps_ns) <= tolerance_ns
    return np.where(mutual & near, partners, -1)


def _closest(stamps_ns: Index, others_ns: Index) -> Index:
    after = np.clip(np.searchsorted(others_ns, stamps_ns), 1, max(len(others_ns) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(others_ns) - 1)
    closer_before = stamps_ns - others_ns[before] <= others_ns[after] - stamps_ns
    return np.where(closer_before, before, after).astype(np.int64)
