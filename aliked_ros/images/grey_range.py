"""Images of more than 8 bits -> 8 bits, by the range of values that is there."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from aliked_ros.structs import AnyArray, Pixels

FULL = (0.0, 65535.0)
_FULL_SHARE = 0.25  # an image that spans this part of 16 bits is taken for one of 16 bits
_NUM_SAMPLES = 20_000  # about so many pixels tell the range
_PERCENTILES = (0.2, 99.8)  # single hot or dead pixels do not count
_MIN_SPAN = 64.0  # 16-bit values; below, only noise would be stretched
_MIN_SPAN_FLOAT = 1e-3  # likewise, as part of the largest value
_GROWTH, _SHRINKAGE = 0.1, 0.35  # parts of the span by which an end may be off before it moves


class GreyRange:
    """Which values become black and white in images of 16 bits or of floating point numbers.

    Cameras of 10 to 14 bits and thermal ones use a small part of 16 bits. "auto" takes the part
    that an image uses and keeps it as long as the next images use about the same, so that the
    brightness of a scene does not flicker.

    Args:
        setting: "auto", "full" (0 to 65535), or the two values "LOW HIGH".

    Attributes:
        used: the values that became black and white in the newest image; None before the first.
        brightest: the largest value in the first image whose range was looked for; None before.

    Raises:
        ValueError: if the setting is none of these.
    """

    def __init__(self, setting: str = "auto") -> None:
        self._fixed = _parse(setting)
        self._is_held = False
        self.used = self._fixed
        self.brightest: float | None = None

    def held(self) -> GreyRange:
        """Return the same range, which no further image changes: for the other one of a pair."""
        other = GreyRange()
        other._fixed, other.used, other._is_held = self._fixed, self.used, True
        return other

    def to_8_bit(self, raw: AnyArray) -> Pixels:
        """Return (H, W[, C]) uint8 of an image of the same shape, uint8, uint16 or float32."""
        if raw.dtype == np.uint8:
            return raw
        low, high = self._range(raw)
        if raw.dtype == np.uint16 and (low, high) == FULL:
            return cv2.convertScaleAbs(raw, alpha=255.0 / 65535.0)
        if raw.dtype == np.uint16:
            return _table(low, high)[raw]
        return _stretch(np.nan_to_num(raw, nan=low), low, high)

    def _range(self, raw: AnyArray) -> tuple[float, float]:
        if self._fixed is None and not (self._is_held and self.used is not None):
            self._follow(raw)
        assert self.used is not None
        return self.used

    def _follow(self, raw: AnyArray) -> None:
        """Move the range to that of an image, if it is another one."""
        low, high, brightest = _range_of(raw)
        if self.brightest is None:
            self.brightest = brightest
        if raw.dtype == np.uint16 and high - low >= _FULL_SHARE * FULL[1]:
            low, high = FULL
        if self.used is not None and (low, high) != FULL and self.used != FULL:
            a, b = self.used
            grown, shrunk = _GROWTH * (b - a), _SHRINKAGE * (b - a)
            if -grown <= low - a <= shrunk and -grown <= b - high <= shrunk:
                return
        self.used = (low, high)


def _stretch(values: AnyArray, low: float, high: float) -> Pixels:
    """Return 0 for values up to `low`, 255 from `high` on, and a line between them."""
    clipped = np.clip(values.astype(np.float32), low, high)
    return np.rint((clipped - low) * (255.0 / (high - low))).astype(np.uint8)


@lru_cache(maxsize=8)
def _table(low: float, high: float) -> Pixels:
    """Return what each value of 16 bits becomes: (65536,)."""
    return _stretch(np.arange(65536), low, high)


def _parse(setting: str) -> tuple[float, float] | None:
    """Return the two values of a setting, or None for "auto"."""
    if setting == "auto":
        return None
    if setting == "full":
        return FULL
    try:
        low, high = (float(word) for word in setting.split())
    except ValueError:
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"grey_range is {setting!r}: give 'auto', 'full', or the values that become black and "
            "white, such as '0 1023'"
        )
    return low, high


def _range_of(raw: AnyArray) -> tuple[float, float, float]:
    """Return the lowest and highest value that count, and the brightest of all."""
    # An odd step meets all colours of a mosaic.
    step = int((raw.shape[0] * raw.shape[1] / _NUM_SAMPLES) ** 0.5) | 1
    sample = raw[::step, ::step]
    values = sample[np.isfinite(sample)] if raw.dtype.kind == "f" else sample
    if values.size == 0:
        return 0.0, 1.0, 0.0
    low, high = (float(value) for value in np.percentile(values, _PERCENTILES))
    span = _MIN_SPAN if raw.dtype == np.uint16 else _MIN_SPAN_FLOAT * max(abs(high), 1e-6)
    if high - low < span:
        is_dark = low < FULL[1] / 2
        low, high = (low, low + span) if is_dark else (high - span, high)
    return low, high, float(values.max())
