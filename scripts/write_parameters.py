"""Write the parameters of all nodes to config/aliked.yaml and into the table of README."""

import argparse
from pathlib import Path

from aliked_ros.config import tables

BEGIN, END = "<!-- parameters: scripts/write_parameters.py -->\n", "<!-- end -->\n"


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().root
    (root / "config" / "aliked.yaml").write_text(tables.yaml())
    readme = root / "README.md"
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(before + BEGIN + tables.markdown() + END + after)


if __name__ == "__main__":
    main()
