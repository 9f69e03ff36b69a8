"""Charts as SVG, coloured by the page's classes; nothing outside of the text is needed."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import groupby

import numpy as np

from aliked_ros.structs import Array

WIDTH, HEIGHT = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 30
_MAX_POINTS = 600
NUM_COLOURS = 5  # of curves, in style.css


def thin(
    x: Array, y: Array, choose: Callable[..., Array], max_points: int = _MAX_POINTS
) -> tuple[Array, Array]:
    """Return at most `max_points` points; `choose` (np.min, np.max) takes one of each bin."""
    if len(x) <= max_points:
        return x, y
    bins = np.array_split(np.arange(len(x)), max_points)
    return np.array([x[part[0]] for part in bins]), np.array([choose(y[part]) for part in bins])


def line_chart(
    series: dict[str, tuple[Array, Array]], x_label: str, y_label: str, height: int = HEIGHT
) -> str:
    """Return a chart of curves over a common axis that begins at zero.

    Args:
        series: name -> x (N,), y (N,); values that are not finite are left out.
        x_label: of the axis, with its unit.
        y_label: above the chart, with its unit.
        height: of the picture, px.
    """
    finite = {name: _finite(x, y) for name, (x, y) in series.items()}
    x_max = max((float(x.max()) for x, _ in finite.values() if len(x)), default=1.0) or 1.0
    y_max = max((float(y.max()) for _, y in finite.values() if len(y)), default=1.0) or 1.0
    y_ticks = nice_ticks(0.0, y_max)
    y_max = max(y_max, y_ticks[-1])

    def to_x(x: Array) -> Array:
        return _LEFT + x / x_max * (WIDTH - _LEFT - _RIGHT)

    def to_y(y: Array) -> Array:
        return height - _BOTTOM - y / y_max * (height - _TOP - _BOTTOM)

    parts = [_grid_y(float(to_y(np.array(tick))), f"{tick:g}") for tick in y_ticks]
    for tick in nice_ticks(0.0, x_max):
        parts.append(_text(float(to_x(np.array(tick))), height - 14, f"{tick:g}", "middle"))
    parts += [
        f'<polyline class="line s{number}" points="{_points(to_x(x), to_y(y))}">'
        f"<title>{escape(name)}</title></polyline>"
        for number, (name, (x, y)) in enumerate(finite.items())
    ]
    parts.append(_text(WIDTH - _RIGHT, height - 2, x_label, "end"))
    return _legend(list(series), y_label) + _svg(WIDTH, height, parts)


def state_band(stamps_s: Array, states: list[str], reasons: list[str]) -> str:
    """Return a band of coloured stretches that tell state, reason and time when pointed at."""
    end_s = float(stamps_s[-1]) if len(stamps_s) > 1 else 1.0
    period_s = end_s / max(len(stamps_s) - 1, 1)
    parts, row = [], 0
    scale = (WIDTH - _LEFT - _RIGHT) / (end_s + period_s)
    for (state, reason), frames in groupby(zip(states, reasons, strict=True)):
        count = len(list(frames))
        start_s = float(stamps_s[row])
        stop_s = float(stamps_s[row + count]) if row + count < len(stamps_s) else end_s + period_s
        told = f"{state}, {start_s:.1f} to {stop_s:.1f} s, {count} frames. {reason}".strip()
        parts.append(
            f'<rect class="{escape(state)}" x="{_LEFT + start_s * scale:.1f}" y="6" '
            f'width="{max((stop_s - start_s) * scale, 0.5):.1f}" height="26">'
            f"<title>{escape(told)}</title></rect>"
        )
        row += count
    for tick in nice_ticks(0.0, end_s or 1.0):
        parts.append(_text(_LEFT + tick * scale, 46, f"{tick:g}", "middle"))
    parts.append(_text(WIDTH - _RIGHT, 58, "time [s]", "end"))
    return _svg(WIDTH, 60, parts)


def path_picture(paths: dict[str, Array], unit: str, height: int = 420) -> str:
    """Return paths in the two directions in which the last one extends most, equal scales.

    Args:
        paths: name -> (N, 3) positions; the last one is drawn last.
        unit: of the positions.
        height: of the picture, px.
    """
    shown = list(paths.values())[-1]
    axes = sorted(np.argsort(-np.ptp(shown, axis=0), kind="stable")[:2].tolist())
    flat = {name: positions[:, axes] for name, positions in paths.items()}
    low = np.min([xy.min(axis=0) for xy in flat.values()], axis=0)
    high = np.max([xy.max(axis=0) for xy in flat.values()], axis=0)
    inner = np.array([WIDTH - _LEFT - _RIGHT, height - _TOP - _BOTTOM], float)
    scale = float(np.min(inner / np.maximum(high - low, 1e-9)))
    scale = min(scale, float(inner.min()) / max(float((high - low).max()), 1e-6))
    offset = (inner - (high - low) * scale) / 2

    def place(xy: Array) -> Array:
        x, y = ((xy - low) * scale + offset).T
        return np.stack([_LEFT + x, height - _BOTTOM - y], axis=1)

    parts = []
    for number, (name, xy) in enumerate(flat.items()):
        rows = np.unique(np.linspace(0, len(xy) - 1, min(len(xy), 3 * _MAX_POINTS)).astype(int))
        points = place(xy[rows])
        parts.append(
            f'<polyline class="line p{number}" points="{_points(*points.T)}">'
            f"<title>{escape(name)}</title></polyline>"
        )
        if number == len(flat) - 1:
            parts.append(
                f'<circle class="start" cx="{points[0, 0]:.1f}" cy="{points[0, 1]:.1f}" r="5"/>'
            )
    length = nice_ticks(0.0, float((high - low).max()) / 2 or 1.0)[-1]
    bar = min(length * scale, inner[0])
    parts.append(f'<path class="bar" d="M{_LEFT} {height - 12}h{bar:.1f}"/>')
    parts.append(_text(_LEFT, height - 18, f"{length:g} {unit}", "start"))
    across, along = ("xyz"[axis] for axis in axes)
    parts.append(_text(WIDTH - _RIGHT, height - 8, f"{across} to the right, {along} up", "end"))
    return _legend(list(paths), "", "p") + _svg(WIDTH, height, parts)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers from `low` to at most `high`, about `count` of them."""
    raw = (high - low) / count
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    return [round(low + step * number, 12) for number in range(int((high - low) / step + 1e-9) + 1)]


def _finite(x: Array, y: Array) -> tuple[Array, Array]:
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept]


def _points(x: Array, y: Array) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _grid_y(y: float, text: str) -> str:
    line = f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>'
    return line + _text(_LEFT - 6, y + 4, text, "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend(names: list[str], label: str, prefix: str = "s") -> str:
    keys = "".join(
        f'<span class="key"><i class="{prefix}{number}"></i>{escape(name)}</span>'
        for number, name in enumerate(names)
    )
    return f'<p class="legend"><b>{escape(label)}</b> {keys}</p>'


def _svg(width: int, height: int, parts: list[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'
