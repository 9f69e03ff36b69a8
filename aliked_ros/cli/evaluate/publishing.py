"""A finished evaluation -> files in the output folder, tables on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.extras import require

if TYPE_CHECKING:
    from aliked_ros.evaluation.reports.report import Report


def require_plots(command: str) -> None:
    """Raise MissingPackageError without matplotlib, before hours of work that ends in a plot."""
    require("matplotlib", extra="evaluation", feature=f"evaluate {command}")


def publish(report: Report, out: Path) -> int:
    """Write a report into a folder (Markdown, JSON, plots) and print it; return the exit code."""
    from aliked_ros.evaluation.reports.provenance import provenance
    from aliked_ros.evaluation.reports.report import write_report

    write_report(out, report, provenance())
    print(report.markdown())
    return 0
