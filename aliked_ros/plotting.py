"""Figures of matplotlib as pictures: a trajectory from above, and its error over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aliked_ros.extras import require
from aliked_ros.structs import Array, Index, Pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ESTIMATE, TRUTH, ERROR = "#1f6feb", "#8b949e", "#d1495b"
_AXES = "xyz"


def plot_trajectory(
    stamps_ns: Index,
    positions: Array,
    reference_m: Array | None = None,
    *,
    title: str = "",
    unit: str = "m",
) -> Pixels:
    """Draw a path in the two directions in which it extends most.

    Args:
        stamps_ns: (N,) int64, nanoseconds.
        positions: (N, 3) camera positions, aligned with the reference if there is one.
        reference_m: (N, 3) ground truth at the same stamps, or None: then there is no error plot.
        title: text above the figure.
        unit: of the positions; "units" for a monocular path without ground truth.

    Returns:
        (H, W, 3) RGB picture.

    Raises:
        MissingPackageError: without matplotlib.
    """
    has_errors = reference_m is not None and len(positions) > 0
    figure = new_figure(11 if has_errors else 6.2, 5.2, title, dpi=120)
    grid = figure.add_gridspec(1, 2 if has_errors else 1, width_ratios=[1, 1.15][: 1 + has_errors])
    _draw_path(figure, grid[0], positions, reference_m, unit)
    if has_errors and reference_m is not None:
        errors_m = np.linalg.norm(positions - reference_m, axis=1)
        _draw_errors(figure, grid[1], (stamps_ns - stamps_ns[0]) * 1e-9, errors_m)
    return render(figure)


def new_figure(width: float, height: float, title: str = "", *, dpi: int = 110) -> Figure:
    """Return an empty figure of a size in inches.

    Raises:
        MissingPackageError: without matplotlib.
    """
    require("matplotlib", extra="plots", feature="drawing a plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold")
    return figure


def render(figure: Figure) -> Pixels:
    """Return a figure as an (H, W, 3) RGB picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)  # its methods carry no types in older releases
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def clear_up(axes: Any) -> None:
    """Give axes a pale grid behind the curves, and no frame above and at the right."""
    axes.grid(color="#e6e8eb", lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_path(
    figure: Figure, place: Any, positions: Array, reference_m: Array | None, unit: str
) -> None:
    axes = figure.add_subplot(place)
    shown = positions if reference_m is None else reference_m
    across, along = _widest_axes(shown)
    if reference_m is not None:
        axes.plot(
            *reference_m[:, [across, along]].T, color=TRUTH, lw=3, alpha=0.7, label="ground truth"
        )
    axes.plot(*positions[:, [across, along]].T, color=ESTIMATE, lw=1.6, label="estimate")
    if len(positions):
        start = positions[0, [across, along]]
        axes.plot(*start, "o", color=ESTIMATE, ms=7, mfc="white", mew=1.8, label="start")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(f"{_AXES[across]} [{unit}]")
    axes.set_ylabel(f"{_AXES[along]} [{unit}]")
    axes.legend(frameon=False, fontsize=9)
    clear_up(axes)


def _draw_errors(figure: Figure, place: Any, time_s: Array, errors_m: Array) -> None:
    axes = figure.add_subplot(place)
    rmse_m = float(np.sqrt(np.mean(errors_m**2)))
    axes.fill_between(time_s, 0, errors_m, color=ERROR, alpha=0.15, lw=0)
    axes.plot(time_s, errors_m, color=ERROR, lw=1.5)
    axes.axhline(rmse_m, color=ERROR, lw=1, ls="--", label=f"RMSE {rmse_m:.3f} m")
    axes.set_xlabel("time [s]")
    axes.set_ylabel("position error after alignment [m]")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.legend(frameon=False, fontsize=9)
    clear_up(axes)


def _widest_axes(positions: Array) -> tuple[int, int]:
    """Return the two axes of largest extent, in the order x, y, z."""
    extent = np.ptp(positions, axis=0) if len(positions) else np.zeros(3)
    first, second = sorted(np.argsort(-extent, kind="stable")[:2].tolist())
    return first, second
