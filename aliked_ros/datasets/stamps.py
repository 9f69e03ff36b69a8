"""Stamps as whole nanoseconds: read from text, counted at a rate, paired with each other."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import Index

_LARGEST_S = 9_000_000_000  # whole nanoseconds of more do not fit 64 bits
_FAR_NS = 10_000_000_000  # from a stamp to both of its neighbours
_USUAL_NS = 1_000_000_000  # from one stamp to the next, where such a distance is strange
_MAX_FAR_SHARE = 0.1  # of all stamps; more of them are how the recording is


def seconds_to_ns(text: str) -> int:
    """Return whole nanoseconds of a decimal number of seconds.

    A float64 of seconds since 1970 is only good to 240 ns, so two stamps of one instant, written
    with different numbers of digits, could differ; decimal arithmetic keeps what the file says.

    Raises:
        ValueError: not a finite number, or not one of seconds.
    """
    try:
        seconds = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"stamp is {text!r}: give seconds as a decimal number") from error
    if not seconds.is_finite():
        raise ValueError(f"stamp is {text!r}: give seconds as a decimal number")
    if abs(seconds) > _LARGEST_S:
        raise ValueError(
            f"stamp is {text!r}, which is {_year(seconds)}: give seconds, not milliseconds or "
            "nanoseconds"
        )
    return int((seconds * 1_000_000_000).to_integral_value())


def whole_ns(text: str) -> int:
    """Return a whole number of nanoseconds.

    Raises:
        ValueError: none, or one that does not fit 64 bits.
    """
    if not text.isdecimal() or int(text) > _LARGEST_S * 1_000_000_000:
        raise ValueError(f"stamp is {text!r}: give whole nanoseconds, at most 19 digits")
    return int(text)


def _year(seconds: Decimal) -> str:
    years = seconds / 31_556_952 + 1970
    return f"the year {years:.0f}" if abs(years) < 1e6 else "no time"


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


def are_far(stamps_ns: Index) -> NDArray[np.bool_]:
    """Return which stamps are far from all others, as those of a driver's fault are.

    Args:
        stamps_ns: (N,) int64, increasing.

    Returns:
        (N,) bool: more than 10 s from the one before and from the one after, where stamps usually
        follow each other within a second. None is where these would be more than a tenth of all.
    """
    steps_ns = np.diff(stamps_ns)
    if len(stamps_ns) < 4 or np.median(steps_ns) > _USUAL_NS:
        return np.zeros(len(stamps_ns), bool)
    is_gap = np.concatenate([[True], steps_ns > _FAR_NS, [True]])
    is_far = is_gap[:-1] & is_gap[1:]
    if is_far.sum() > max(1, _MAX_FAR_SHARE * len(stamps_ns)):
        return np.zeros(len(stamps_ns), bool)
    return np.asarray(is_far)


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
