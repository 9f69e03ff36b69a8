"""Compared odometry runs as pictures: the paths of a sequence, the figures as bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliked_ros.evaluation.odometry.table import Row
from aliked_ros.plotting import TRUTH, clear_up, new_figure, render
from aliked_ros.structs import Array, Pixels

_COLOURS = ("#1f6feb", "#d1495b", "#2a9d4a", "#b07d00", "#7d4cdb", "#00899b")
# key in Row.figures, label of the axis
_BARS = (
    ("ate_with_scale_m", "ATE after Sim(3) [m]"),
    ("rpe_m", "RPE [m]"),
    ("lost_frames", "lost frames"),
)


def plot_paths(title: str, truth_m: Array, paths_m: dict[str, Array]) -> Pixels:
    """Draw aligned paths over the true one, in the two directions in which it extends most.

    Args:
        title: above the figure.
        truth_m: (N, 3) ground truth.
        paths_m: label -> (M, 3) aligned positions.

    Returns:
        (H, W, 3) RGB picture.
    """
    figure = new_figure(7, 6)
    axes = figure.add_subplot()
    across, along = sorted(np.argsort(-np.ptp(truth_m, axis=0), kind="stable")[:2].tolist())
    axes.plot(truth_m[:, across], truth_m[:, along], color=TRUTH, lw=4, alpha=0.6, label="truth")
    for (label, path_m), colour in zip(paths_m.items(), _cycle(len(paths_m)), strict=True):
        axes.plot(path_m[:, across], path_m[:, along], color=colour, lw=1.4, label=label)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(f"{'xyz'[across]} [m]")
    axes.set_ylabel(f"{'xyz'[along]} [m]")
    axes.set_title(title, fontsize=12, fontweight="bold")
    axes.legend(frameon=False, fontsize=9)
    clear_up(axes)
    return render(figure)


def plot_bars(rows: list[Row]) -> Pixels | None:
    """Draw the figures of rows side by side, a colour per method; the lines span the seeds.

    Returns:
        (H, W, 3) RGB picture; None where no row has any of the figures.
    """
    rows = [row for row in rows if any(row.figures[key] for key, _ in _BARS)]
    if not rows:
        return None
    methods = list(dict.fromkeys(row.names[-1] for row in rows))
    groups = list(dict.fromkeys(row.names[:-1] for row in rows))
    figure = new_figure(1.5 + 4 * len(_BARS), 1.8 + 0.28 * len(rows) + 0.2 * len(groups))
    all_axes = figure.subplots(1, len(_BARS), sharey=True)
    for axes, (key, label) in zip(all_axes, _BARS, strict=True):
        for row in rows:
            spread = row.figures[key]
            if spread is None:
                continue
            index = methods.index(row.names[-1])
            place = groups.index(row.names[:-1]) + 0.8 * (index + 0.5) / len(methods) - 0.4
            length = [[spread.median - spread.minimum], [spread.maximum - spread.median]]
            colour = _COLOURS[index % len(_COLOURS)]
            axes.barh(place, spread.median, 0.7 / len(methods), xerr=length, color=colour)
        axes.set_xlabel(label)
        axes.set_xlim(0, max(axes.get_xlim()[1], 1e-3 if key != "lost_frames" else 1))
        clear_up(axes)
    all_axes[0].set_yticks(range(len(groups)), [_group_title(group) for group in groups])
    all_axes[0].invert_yaxis()
    handles = [_patch(label, colour) for label, colour in zip(methods, _cycle(len(methods)))]  # noqa: B905 - equally long
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
    return render(figure)


def _group_title(names: tuple[str, ...]) -> str:
    sequence, sensor, disturbance, configuration = names
    parts = [sensor, "" if disturbance == "none" else disturbance, configuration]
    return f"{sequence}\n" + ", ".join(part for part in parts if part)


def _cycle(count: int) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(count)]


def _patch(label: str, colour: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)
