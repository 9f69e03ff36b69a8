"""Curves and scatter plots of several methods, each method always in its own colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aliked_ros.plotting import clear_up, new_figure, render
from aliked_ros.structs import Pixels

# Families share a hue, sizes within a family go from light to dark.
_COLOURS = {
    "aliked-t16": "#7fb2ff", "aliked-n16": "#1f6feb", "aliked-n16rot": "#0b3d91",
    "aliked-n32": "#00b3a4", "alike-t": "#ffc27a", "alike-s": "#ff9d2e", "alike-n": "#e06c00",
    "alike-l": "#8f4300", "sift": "#57606a", "orb": "#a0a7ae", "disk": "#b23a8f",
    "xfeat": "#3b9b46", "dense head": "#e06c00", "SDDH": "#1f6feb", "SDDH, compiled": "#0b3d91",
}  # fmt: skip
_OTHERS = ("#d1495b", "#6f42c1", "#8a7f00", "#0aa2c0")
_DASHED = ("sift", "orb")


@dataclass(frozen=True)
class Panel:
    """One system of axes.

    Attributes:
        title: above it.
        x_label, y_label: with units.
        x: (N,) positions, shared by all curves.
        curves: method -> (N,) values.
        reversed_x: whether larger x are easier, so that curves always fall to the right.
    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float]
    curves: dict[str, Sequence[float]]
    reversed_x: bool = False


@dataclass(frozen=True)
class Scatter:
    """One system of axes with a point per method.

    Attributes:
        x_label, y_label: with units.
        points: method -> (x, y).
        fewer_is_better: whether x is a cost.
    """

    x_label: str
    y_label: str
    points: dict[str, tuple[float, float]]
    fewer_is_better: bool = False


def plot_curves(title: str, panels: list[Panel], y_limit: float | None = 102) -> Pixels:
    """Return curves side by side as an (H, W, 3) RGB picture.

    Args:
        title: above the figure.
        panels: at least one; their methods share one legend.
        y_limit: upper end of the y axis; None: what the values need.
    """
    figure = new_figure(5.2 * len(panels) + 1.6, 4.4, title)
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(places, panels, strict=True):
        for name, values in panel.curves.items():
            style = "--" if name in _DASHED else "-"
            axes.plot(panel.x, values, style, color=colour(name), lw=1.8, marker="o", ms=3.5,
                      label=name)  # fmt: skip
        axes.set_title(panel.title, fontsize=10)
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(panel.y_label)
        axes.set_ylim(bottom=0, top=y_limit)
        if panel.reversed_x:
            axes.invert_xaxis()
        clear_up(axes)
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    return render(figure)


def plot_scatter(title: str, panels: list[Scatter]) -> Pixels:
    """Return points with their names, and the line of those that no other beats in both ways."""
    figure = new_figure(6.0 * len(panels), 4.6, title)
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(places, panels, strict=True):
        front = pareto_front(panel.points, panel.fewer_is_better)
        axes.plot(*np.array([panel.points[name] for name in front]).reshape(-1, 2).T,
                  color="#d0d7de", lw=6, solid_capstyle="round", zorder=0)  # fmt: skip
        for name, (x, y) in panel.points.items():
            axes.plot(x, y, "o", color=colour(name), ms=9)
            axes.annotate(name, (x, y), xytext=(6, 5), textcoords="offset points", fontsize=8)
        axes.set_xscale("log")
        axes.margins(x=0.22, y=0.15)
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(panel.y_label)
        _plain_logarithm(axes)
        clear_up(axes)
    return render(figure)


def pareto_front(
    points: dict[str, tuple[float, float]], fewer_is_better: bool = False
) -> list[str]:
    """Return the names that no other point beats in x and in y, by x; a larger y is better."""
    sign = -1 if fewer_is_better else 1
    by_gain = sorted(points, key=lambda name: (-sign * points[name][0], -points[name][1]))
    front: list[str] = []
    for name in by_gain:
        if not front or points[name][1] > points[front[-1]][1]:
            front.append(name)
    return sorted(front, key=lambda name: points[name][0])


def colour(name: str) -> str:
    """Return a method's colour; own weights and functions take theirs from their name."""
    return _COLOURS.get(name) or _OTHERS[sum(map(ord, name)) % len(_OTHERS)]


def _plain_logarithm(axes: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
