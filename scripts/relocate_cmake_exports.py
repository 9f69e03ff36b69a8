"""Point the CMake exports of ROS's wheels to this machine's Python and numpy headers.

The message packages name the include folders of the machine that built the wheels; CMake stops with
"includes non-existent path" otherwise. Safe to repeat.
"""

import argparse
import re
import sys
import sysconfig
from pathlib import Path

import numpy

FOREIGN = {
    r"/opt/python/cp\d+-cp\d+/lib/python[\d.]+/site-packages/numpy/_?core/include": (
        numpy.get_include()
    ),
    r"/opt/python/cp\d+-cp\d+/include/python[\d.]+": sysconfig.get_paths()["include"],
}


def main() -> None:
    """Rewrite every export below share/ that names a foreign folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", type=Path, default=Path(sys.prefix), help="of the wheels")
    share = parser.parse_args().prefix / "share"
    for export in share.glob("**/*.cmake"):
        text = relocated = export.read_text()
        for pattern, folder in FOREIGN.items():
            relocated = re.sub(pattern, lambda _, folder=folder: folder, relocated)
        if relocated != text:
            export.write_text(relocated)


if __name__ == "__main__":
    main()
