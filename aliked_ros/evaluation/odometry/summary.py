"""The report of an odometry evaluation as Markdown."""

from __future__ import annotations

from typing import Any

from aliked_ros.evaluation.odometry.stages import STAGES
from aliked_ros.evaluation.odometry.table import (
    COVARIANCE_COLUMNS,
    Row,
    markdown,
    stage_table,
    tables,
)
from aliked_ros.evaluation.odometry.truth_noise import statements

_ABOUT_FIGURES = (
    "Answered: frames with a measured pose; waiting: frames before the first one; lost: frames "
    "without one later, (predicted) those of them with a predicted one; skipped: frames that "
    "could not be read. ATE and RPE are of the poses as they were published at the time of each "
    "frame, SE(3)-aligned, of a single camera Sim(3); the column Sim(3) tells how much is scale. "
    "Corrected: ATE of the same poses, each moved along with the keyframe before it to where that "
    "stands in the map at the end. Farthest: from the first pose, where there is no ground truth. "
    "Times are medians over the frames: of matching and estimating, and of all steps from the "
    "image to the pose. Keyframes and landmarks are those of the map at the end. A dash: none, or "
    "not known of a trajectory from outside."
)
_ABOUT_COVARIANCE = (
    "Error of the motion over ten frames, normalised by its covariance and squared: how often it "
    "lies inside, below and above the 95 % interval of chi-square with 6 degrees of freedom (a "
    "single camera's with one scale per run), and its mean over the degrees of freedom, which is "
    "1 where the covariance is right, more where it is too small. Claimed and actual errors are "
    "medians. Where the ground truth's own noise is not far below them, the figures say nothing."
)


def accuracy(rows: list[Row], num_seeds: int) -> str:
    """Return how to read the figures, and a table for each sequence."""
    runs = f"{num_seeds} runs each: median (minimum..maximum)" if num_seeds > 1 else "One run each"
    return f"{runs}. {_ABOUT_FIGURES}\n\n{tables(rows)}"


def stages(rows: list[Row]) -> str:
    """Return the table of the stages, side by side."""
    return stage_table(rows, tuple(stage.name for stage in STAGES))


def report_text(rows: list[Row], runs: list[dict[str, Any]], num_seeds: int) -> str:
    """Return report.md: stages side by side where there are any, all figures, the covariance.

    Args:
        rows: of all runs.
        runs: of all seeds.
        num_seeds: runs of each kind.
    """
    parts = ["# Odometry"]
    if {run["configuration"] for run in runs} >= {stage.name for stage in STAGES}:
        parts += ["## What each stage adds", stages(rows)]
    parts += ["## Accuracy", accuracy(rows, num_seeds)]
    judged = [row for row in rows if row.figures["motions"] is not None]
    if judged:
        layouts = {run["sequence"]: run["layout"] for run in runs if run.get("consistency")}
        parts += [
            "## Covariance",
            _ABOUT_COVARIANCE,
            markdown(judged, COVARIANCE_COLUMNS),
            "\n".join(f"- {line}" for line in statements(layouts)),
        ]
    return "\n\n".join(parts) + "\n"
