"""Measure everything about the GPU path in one go: correctness, times, launches, memory.

    python3 bench/bench_gpu.py --budget 110 --out out/gpu

Compiles the kernels in parallel processes first, then measures in the order of importance until
the budget (seconds) is used up; what was found is written after each step, as gpu.json, and a short
table is printed at the end. kornia is compared with where it is installed or lies as wheels in
`--wheels`. Needs no network. `--dry` goes through the same steps without a GPU, in Triton's
interpreter, with tiny images: to find mistakes in this script.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from gpu.report import table  # noqa: E402
from gpu.settings import Settings, prepare  # noqa: E402

from aliked_ros.extras import MissingPackageError, require  # noqa: E402

# name, seconds below which it is not begun
STEPS = (
    ("machine", 2),
    ("compile", 10),
    ("correct", 6),
    ("calls", 8),
    ("launches", 4),
    ("profile", 4),
    ("matching", 3),
    ("batches", 4),
    ("memory", 3),
    ("tests", 14),
    ("variants", 8),
)


class Notebook:
    """What was found so far; on disk after every entry."""

    def __init__(self, path: Path, end_s: float) -> None:
        self.found: dict[str, Any] = {}
        self._path = path
        self._end_s = end_s

    @property
    def left_s(self) -> float:
        """Seconds until the budget is used up."""
        return self._end_s - time.monotonic()

    def put(self, step: str, name: str, value: object) -> None:
        """Note a value."""
        self.found.setdefault(step, {})[name] = value
        self._path.write_text(json.dumps(self.found, indent=1, default=str))

    @property
    def folder(self) -> Path:
        """Where longer texts may lie beside it."""
        return self._path.parent

    def attempt(self, step: str, name: str, function: Any, *given: Any) -> Any:
        """Note what a function returns, or how it failed."""
        try:
            value = function(*given)
        except Exception as error:
            trace = traceback.format_exc().strip().splitlines()[-7:]
            self.put(step, name, {"error": f"{type(error).__name__}: {error}"[:400], "at": trace})
            print(f"{step} {name}: {type(error).__name__}: {error}"[:300], flush=True)
            return None
        self.put(step, name, value)
        return value


def main() -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=110, help="seconds")
    parser.add_argument("--out", default=os.environ.get("OUT", "out/gpu"))
    parser.add_argument("--steps", default="", help="a comma-separated choice")
    parser.add_argument("--shared", default="", help="folder of weights/ and golden/")
    parser.add_argument("--wheels", default="", help="folder of wheels, as kornia's")
    parser.add_argument("--workers", type=int, default=14, help="processes that compile")
    parser.add_argument("--dry", action="store_true", help="without a GPU")
    options = parser.parse_args()
    chosen = options.steps.split(",") if options.steps else [name for name, _ in STEPS]
    if unknown := sorted(set(chosen) - {name for name, _ in STEPS}):
        parser.error(f"no step is called {unknown[0]}; there are {', '.join(dict(STEPS))}")
    begun_s = time.monotonic()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    settings: Settings = prepare(options)
    try:
        require("triton", extra="gpu", feature="bench_gpu")
    except MissingPackageError as error:
        print(f"bench_gpu: {error}", file=sys.stderr)
        return 2
    import gpu.steps as steps

    notes = Notebook(out / "gpu.json", begun_s + options.budget)
    for name, needed_s in STEPS:
        if name not in chosen:
            continue
        if notes.left_s < needed_s:
            notes.put(name, "status", f"not begun, {notes.left_s:.0f} s were left")
            continue
        start_s = time.monotonic()
        notes.attempt(name, "status", getattr(steps, name), settings, notes)
        notes.put(name, "seconds", round(time.monotonic() - start_s, 1))
        print(f"{name}: {time.monotonic() - start_s:.1f} s", flush=True)
    notes.put("whole", "seconds", round(time.monotonic() - begun_s, 1))
    text = table(notes.found)
    (out / "gpu.txt").write_text(text)
    print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
