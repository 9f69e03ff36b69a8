"""Write docs/messages.md, the reference of messages and services, from their definitions."""

import argparse
import re
from pathlib import Path

HEAD = """# Messages

Every message and service, written from its definition by `scripts/write_messages.py`.
Arrays are flat: `docs/conventions.md` says how rows are told.
"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().root
    definitions = sorted([*(root / "msg").glob("*.msg"), *(root / "srv").glob("*.srv")])
    (root / "docs" / "messages.md").write_text(HEAD + "".join(map(section, definitions)))


def section(path: Path) -> str:
    """Return heading, description and table of one definition."""
    about, rows = [], []
    for line in path.read_text().splitlines():
        field, _, comment = (part.strip() for part in line.partition("#"))
        if not field and comment and not rows:
            about.append(comment)
        elif not field and comment:
            rows[-1][2] += " " + comment
        elif field == "---":
            rows.append(["", "**answer**", ""])
        elif field:
            kind, name = field.split(maxsplit=1)
            rows.append([kind, f"`{re.sub(' *= *', ' = ', name)}`", comment])
    table = "".join(f"| {name} | {kind} | {text} |\n" for kind, name, text in rows)
    described = " ".join(about)
    return f"\n## {path.name}\n\n{described}\n\n| field | type | meaning |\n|---|---|---|\n{table}"


if __name__ == "__main__":
    main()
