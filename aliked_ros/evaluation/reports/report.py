"""Results as Markdown, JSON and pictures in one folder."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets.image_files import write_image
from aliked_ros.structs import Pixels

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """Rows under columns, one row per method.

    Attributes:
        title: heading above it.
        columns: names, with units.
        rows: cells; numbers are rounded to `decimals`, None stays empty.
        decimals: of a column's numbers, by its name; 1 where none is given.
        note: a paragraph below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    decimals: dict[str, int] = field(default_factory=dict)
    note: str = ""

    def markdown(self) -> str:
        """Return the table in GitHub's form."""
        cells = [
            [
                _text(cell, self.decimals.get(column, 1))
                for column, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        lines = [_line(self.columns, widths), _line(["-" * width for width in widths], widths)]
        lines += [_line(row, widths) for row in cells]
        parts = [f"### {self.title}", "\n".join(lines), self.note]
        return "\n\n".join(part for part in parts if part) + "\n"


@dataclass(frozen=True, eq=False)
class Report:
    """What a command found.

    Attributes:
        name: stem of the files.
        title: heading of the Markdown.
        about: paragraph that says what was measured on what.
        tables: in the order of reading.
        figures: everything that was measured, for machines.
        pictures: name -> (H, W, 3) RGB.
    """

    name: str
    title: str
    about: str
    tables: list[Table]
    figures: dict[str, Any]
    pictures: dict[str, Pixels] = field(default_factory=dict)

    def markdown(self, picture_folder: str = "") -> str:
        """Return the report with links to its pictures."""
        parts = [f"## {self.title}\n", f"{self.about}\n"]
        parts += [table.markdown() for table in self.tables]
        parts += [f"![{name}]({picture_folder}{name}.png)\n" for name in self.pictures]
        return "\n".join(parts)


def write_report(folder: Path, report: Report, provenance: dict[str, str]) -> None:
    """Write NAME.md, NAME.json and the pictures into a folder, which is made.

    Args:
        folder: of the output.
        report: what was found.
        provenance: command, commit, hardware and versions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origin = "\n".join(f"- {name}: {value}" for name, value in provenance.items())
    (folder / f"{report.name}.md").write_text(f"{report.markdown()}\n{origin}\n")
    document = {"title": report.title, "provenance": provenance, **_for_json(report.figures)}
    (folder / f"{report.name}.json").write_text(json.dumps(document, indent=1) + "\n")
    for name, picture in report.pictures.items():
        write_image(folder / f"{name}.png", picture)


def _text(cell: Cell, decimals: int) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return f"{cell:.{decimals}f}" if math.isfinite(cell) else "-"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _for_json(value: Any) -> Any:
    """Return a value as JSON has it: infinite and undefined numbers become null."""
    if isinstance(value, dict):
        return {str(key): _for_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
