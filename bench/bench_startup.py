"""Time from a fresh process to the first features: `python3 bench/bench_startup.py`.

"cold" lets the system forget the files of torch, numpy and this package first (posix_fadvise); what
other processes have mapped stays, so run it alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PARTS = ("numpy", "torch", "import", "construct", "first", "second")
PROGRAM = """
import json, time
times = [time.perf_counter()]
mark = lambda: times.append(time.perf_counter())
import numpy
mark()
import torch
mark()
from aliked_ros import Extractor, ExtractorConfig
mark()
extractor = Extractor(ExtractorConfig(model="aliked-t16", weights="package", device="cpu"))
mark()
image = numpy.random.default_rng(0).integers(0, 256, (480, 640, 3), numpy.uint8)
mark()
extractor(image)
mark()
extractor(image)
mark()
parts = [(later - earlier) * 1e3 for earlier, later in zip(times, times[1:])]
del parts[4]
print(json.dumps(parts))
"""


def forget_files(names: tuple[str, ...]) -> None:
    """Drop the files of packages from the page cache, those that nobody else has mapped."""
    for name in names:
        for path in Path(find_spec(name).origin).parent.rglob("*"):
            if path.is_file():
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)


def time_start(is_cold: bool) -> list[float]:
    """Return ms of each of PARTS in a new process."""
    if is_cold:
        forget_files(("torch", "numpy", "aliked_ros"))
    return json.loads(subprocess.check_output([sys.executable, "-c", PROGRAM], text=True))


def main() -> None:
    """Print medians in ms: of numpy's and torch's imports, and of what is ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    time_start(is_cold=False)
    print(f"{'ms':<6}" + "".join(f"{part:>11}" for part in (*PARTS, "ours", "all")))
    for name in ("warm", "cold"):
        runs = [time_start(name == "cold") for _ in range(repeats)]
        rows = [[*run, sum(run[2:5]), sum(run[:5])] for run in runs]
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        print(f"{name:<6}" + "".join(f"{value:>11.1f}" for value in medians))
    print("ours: import, construct and first, which holds the image's own time (second)")


if __name__ == "__main__":
    main()
