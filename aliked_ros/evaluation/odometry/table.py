"""Runs of the odometry -> one row per configuration, the seeds as median and spread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Run = dict[str, Any]

_SMALL_CORRECTION_M, _SMALL_SHARE = 0.05, 0.05  # of the path so far; one of them may be exceeded


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds; None where fewer runs have it than `num` says."""

    median: float
    minimum: float
    maximum: float
    num: int

    @classmethod
    def of(cls, values: list[float | None]) -> Spread | None:
        """Return the spread of the known values, or None where there is none."""
        known = [value for value in values if value is not None]
        if not known:
            return None
        return cls(float(np.median(known)), float(min(known)), float(max(known)), len(known))

    def text(self, decimals: int) -> str:
        """Return "median (minimum..maximum)", or the median alone where all are alike."""
        low, middle, high = (
            f"{value:.{decimals}f}" for value in (self.minimum, self.median, self.maximum)
        )
        return middle if low == high else f"{middle} ({low}..{high})"


@dataclass(frozen=True)
class Column:
    """A figure of a run.

    Attributes:
        key: its name in the JSON report.
        title: its name in the table, with the unit.
        decimals: shown.
        of: run -> figure or None.
    """

    key: str
    title: str
    decimals: int
    of: Callable[[Run], float | None]


def _score(name: str) -> Callable[[Run], float | None]:
    return lambda run: (run.get("score") or {}).get(name)


def _consistency(*path: str, factor: float = 1.0) -> Callable[[Run], float | None]:
    """Return what a run says about its covariance under some keys, one inside the other."""

    def of(run: Run) -> float | None:
        value = run.get("consistency")
        for key in path:
            value = value and value[key]
        return None if value is None else factor * float(value)

    return of


def _pair(name: str) -> Callable[[Run], float | None]:
    return lambda run: (run.get("pairs") or {}).get(name)


def _frames(name: str) -> Callable[[Run], float | None]:
    """Return a count of frames; a run from outside knows some of them alone."""
    return lambda run: (run.get("frames") or {}).get(name)


def _time_ms(stage: str) -> Callable[[Run], float | None]:
    return lambda run: ((run.get("latency_ms") or {}).get(stage) or {}).get("median")


def _at_end(part: str, name: str) -> Callable[[Run], float | None]:
    """Return a figure of the map as it stands at the end."""
    return lambda run: (run.get(part) or {}).get(name)


def _worst(name: str) -> Callable[[Run], float | None]:
    """Return the worst of a figure over the disturbances that a run came through."""

    def of(run: Run) -> float | None:
        values = [recovery[name] for recovery in run.get("recoveries") or []]
        return max((float(value) for value in values if value is not None), default=None)

    return of


def _corrections(run: Run) -> list[tuple[float, float]]:
    """Return each correction, m, with the length of the path before it, m."""
    return [
        (recovery["correction_m"], recovery["path_m"])
        for recovery in run.get("recoveries") or []
        if recovery["correction_m"] is not None and recovery["path_m"]
    ]


def _largest_correction_percent(run: Run) -> float | None:
    found = _corrections(run)
    if not found:
        return None
    correction_m, path_m = max(found)
    return 100 * correction_m / path_m


def _large_corrections(run: Run) -> float | None:
    found = _corrections(run)
    if not found:
        return None
    return float(sum(m > max(_SMALL_CORRECTION_M, _SMALL_SHARE * path_m) for m, path_m in found))


def _never_recovered(run: Run) -> float | None:
    found = run.get("recoveries")
    return float(sum(one["frames_until_tracking"] is None for one in found)) if found else None


def _farthest(run: Run) -> float | None:
    # Without ground truth it is all that can be said: of a camera at rest, it is the error.
    return None if run.get("score") else run.get("farthest_m")


COLUMNS = (
    Column("frames", "frames", 0, _frames("total")),
    Column("answered", "answered", 0, _frames("tracked")),
    Column("lost_frames", "lost", 0, _frames("lost")),
    Column("predicted", "(predicted)", 0, lambda run: _frames("predicted")(run) or None),
    Column("waiting", "waiting", 0, _frames("initialising")),
    Column("skipped", "skipped", 0, _frames("skipped")),
    Column("path_m", "path m", 1, _score("length_m")),
    Column("ate_m", "ATE m", 4, _score("ate_rmse_m")),
    Column("ate_with_scale_m", "Sim(3) m", 4, _score("ate_with_scale_m")),
    Column("corrected_m", "corrected m", 4, _at_end("corrected", "ate_rmse_m")),
    Column("farthest_m", "farthest m", 4, _farthest),
    Column("rpe_m", "RPE m", 4, _score("rpe_rmse_m")),
    Column("rpe_deg", "RPE deg", 2, _score("rpe_rmse_deg")),
    Column("odometry_ms", "match + estimate ms", 1, _time_ms("odometry")),
    Column("time_ms", "all ms", 1, _time_ms("total")),
    Column("keyframes", "keyframes", 0, _at_end("map", "keyframes")),
    Column("landmarks", "landmarks", 0, _at_end("map", "landmarks")),
    Column("frames_until_tracking", "recovery frames", 0, _worst("frames_until_tracking")),
    Column("never_recovered", "never", 0, _never_recovered),
    Column("correction_m", "correction m", 3, _worst("correction_m")),
    Column("correction_percent", "of path %", 1, _largest_correction_percent),
    Column("large_corrections", "over 5 %, 0.05 m", 0, _large_corrections),
    Column("gap_error_m", "gap error m", 3, _worst("error_m")),
    Column("pairs", "pairs", 0, _pair("num")),
    Column("pairs_answered", "answered", 0, _pair("answered")),
    Column("pairs_median_m", "pair m", 3, _pair("median_m")),
    Column("pairs_median_deg", "pair deg", 2, _pair("median_deg")),
    Column("pairs_within", "within 0.25 m, 2 deg", 2, _pair("within")),
)
# Errors of the motion over ten frames, normalised by the claimed covariance and squared.
COVARIANCE_COLUMNS = (
    Column("motions", "motions", 0, _consistency("num")),
    Column("inside_percent", "inside 95 % %", 0, _consistency("whole", "inside", factor=100)),
    Column("below_percent", "below %", 0, _consistency("whole", "below", factor=100)),
    Column("above_percent", "above %", 0, _consistency("whole", "above", factor=100)),
    Column("mean_error", "mean / 6", 2, _consistency("whole", "mean")),
    Column("mean_translation", "translation / 3", 2, _consistency("translation", "mean")),
    Column("mean_rotation", "rotation / 3", 2, _consistency("rotation", "mean")),
    Column("claimed_mm", "claimed mm", 1, _consistency("claimed_m", factor=1e3)),
    Column("error_mm", "error mm", 1, _consistency("error_m", factor=1e3)),
    Column("claimed_deg", "claimed deg", 3, _consistency("claimed_deg")),
    Column("error_deg", "error deg", 3, _consistency("error_deg")),
)
NAMES = ("sequence", "sensor", "disturbance", "configuration", "method")
_UNSAID = ("", "none")  # a name that is not worth a column where no row has another
_STAGE_FIGURES = ("lost_frames", "ate_m", "ate_with_scale_m", "rpe_m", "rpe_deg", "odometry_ms")


@dataclass(frozen=True)
class Row:
    """A configuration with its figures over the seeds, by Column.key."""

    names: tuple[str, ...]
    figures: dict[str, Spread | None]

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON holds it."""
        figures = {key: spread and asdict(spread) for key, spread in self.figures.items()}
        return dict(zip(NAMES, self.names, strict=True)) | figures


def tabulate(runs: list[Run]) -> list[Row]:
    """Gather the runs of all seeds of a configuration in one row, in the order they came."""
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(run[name] for name in NAMES), []).append(run)
    columns = (*COLUMNS, *COVARIANCE_COLUMNS)
    return [
        Row(names, {c.key: Spread.of([c.of(run) for run in group]) for c in columns})
        for names, group in groups.items()
    ]


def markdown(rows: list[Row], columns: tuple[Column, ...] = COLUMNS, title: str = "") -> str:
    """Return the rows as a Markdown table, without the columns that are empty.

    Args:
        rows: the lines.
        columns: the figures.
        title: the sequence, where it is said above and needs no column.
    """
    shown = [c for c in columns if any(row.figures[c.key] is not None for row in rows)]
    named = [i for i in range(len(NAMES)) if any(row.names[i] not in _UNSAID for row in rows)]
    named = [i for i in named if not (title and NAMES[i] == "sequence")]
    cells = [[*(NAMES[i] for i in named), *(column.title for column in shown)]]
    for row in rows:
        figures = [_text(row.figures[column.key], column) for column in shown]
        cells.append([*(row.names[i] for i in named), *figures])
    return _aligned(cells)


def tables(rows: list[Row]) -> str:
    """Return a Markdown table of all figures for each sequence, under its name."""
    at = NAMES.index("sequence")
    parts = []
    for name in dict.fromkeys(row.names[at] for row in rows):
        same = [row for row in rows if row.names[at] == name]
        parts += [f"### {name}", markdown(same, title=name)]
    return "\n\n".join(parts)


def stage_table(rows: list[Row], stages: tuple[str, ...]) -> str:
    """Return a Markdown table with a line for each figure and a column for each stage."""
    at = NAMES.index("configuration")
    groups: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        if row.names[at] in stages:
            groups.setdefault(_without(row.names, at), {})[row.names[at]] = row
    cells = [[*_without(NAMES, at), "figure", *stages]]
    columns = [column for column in COLUMNS if column.key in _STAGE_FIGURES]
    for names, by_stage in groups.items():
        for column in columns:
            spreads = [by_stage[s].figures[column.key] if s in by_stage else None for s in stages]
            if any(spreads):
                cells.append([*names, column.title, *(_text(one, column) for one in spreads)])
    return _aligned(cells)


def _without(names: tuple[str, ...], at: int) -> tuple[str, ...]:
    return names[:at] + names[at + 1 :]


def _text(spread: Spread | None, column: Column) -> str:
    return "-" if spread is None else spread.text(column.decimals)


def _aligned(cells: list[list[str]]) -> str:
    """Return lines of cells, the first one the header, as a Markdown table."""
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
