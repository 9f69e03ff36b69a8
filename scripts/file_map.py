"""Write the map of docs/architecture.md: every file with the first line of its docstring.

python3 scripts/file_map.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import sys
from itertools import groupby
from pathlib import Path

BEGIN = "<!-- from here on written by scripts/file_map.py -->\n"
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write the map, or say that it is old."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is old")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args()
    document = options.root / "docs" / "architecture.md"
    text = document.read_text()
    head, mark, _ = text.partition(BEGIN)
    if not mark:
        print(f"file_map: {document} has no line {BEGIN.strip()!r}", file=sys.stderr)
        return 2
    wanted = head + BEGIN + "".join(sections(options.root / "aliked_ros"))
    if options.check and wanted != text:
        print(f"file_map: {document} is old: run scripts/file_map.py", file=sys.stderr)
        return 1
    document.write_text(wanted)
    return 0


def sections(package: Path) -> list[str]:
    """Return one section of Markdown for each folder of the package."""
    files = sorted(package.rglob("*.py"), key=lambda file: (file.parent, file.name))
    written = []
    for folder, inside in groupby(files, key=lambda file: file.parent):
        name = folder.relative_to(package.parent).as_posix()
        rows = [f"| `{file.name}` | {first_line(file)} |\n" for file in inside]
        written.append(f"\n### `{name}/`\n\n| file | what |\n|---|---|\n" + "".join(rows))
    return written


def first_line(file: Path) -> str:
    """Return the first line of the docstring of a module."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
