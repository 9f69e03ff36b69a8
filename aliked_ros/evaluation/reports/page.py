"""A part of a page that a command writes, between two marks."""

from __future__ import annotations

from pathlib import Path


def replace_part(page: Path, name: str, text: str) -> None:
    """Write what stands between the marks `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: if the page has not both marks, in this order.
    """
    begin, end = require_part(page, name)
    whole = page.read_text(encoding="utf-8")
    page.write_text(f"{whole[:begin]}\n\n{text.strip()}\n\n{whole[end:]}", encoding="utf-8")


def require_part(page: Path, name: str) -> tuple[int, int]:
    """Return where the part begins and ends, as positions in the page's text.

    Raises:
        ValueError: if the page has not both marks, in this order.
    """
    marks = [f"<!-- {name}: {edge} -->" for edge in ("begin", "end")]
    whole = page.read_text(encoding="utf-8") if page.is_file() else ""
    begin = whole.find(marks[0])
    end = whole.find(marks[1], begin)
    if begin < 0 or end < 0:
        raise ValueError(f"{page} lacks a place for the results: write {marks[0]} and {marks[1]}")
    return begin + len(marks[0]), end
