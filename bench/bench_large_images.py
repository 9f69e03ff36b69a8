"""Memory and time of large images, each beside a 640x480 one in turns in a process of its own.

    python3 bench/bench_large_images.py --model aliked-t16 --sizes 1920x1080 3840x2160 7680x4320

Memory is the peak of the first frame, in RAM, above what the process holds with network and image.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from bench_extractor import checkpoint, read_image, time_in_turns

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.config import MODELS

SMALL = "640x480"


def megabytes(key: str) -> float:
    """Return a memory of this process, as /proc names it."""
    found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def measure(options: argparse.Namespace, size: str) -> str:
    """Return a row of the table."""
    torch.set_num_threads(options.threads)
    config = ExtractorConfig(
        model=options.model, weights=options.weights or checkpoint(options.model), device="cpu",
        max_keypoints=options.max_keypoints, detection_threshold=0.0, backend=options.backend,
    )  # fmt: skip
    # Two: the memory of a large image goes when an image of another size comes.
    extractor, other = Extractor(config), Extractor(config)
    images = {name: read_image(*map(int, name.split("x"))) for name in (size, SMALL)}
    extractor(images[SMALL][:64, :64])
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = megabytes("VmRSS")
    extractor(images[size])
    peak = megabytes("VmHWM") - before
    runs = {size: lambda: extractor(images[size]), SMALL: lambda: other(images[SMALL])}
    times, _ = time_in_turns(runs, options.repeats, time.perf_counter)
    per_pixel = {
        name: statistics.median(times[name]) * 1e6 / images[name][..., 0].size for name in images
    }
    return (
        f"{options.model:12}{size:>11}{peak:9.0f}{statistics.median(times[size]):12.0f}"
        f"{min(times[size]):9.0f}{per_pixel[size]:10.1f}{per_pixel[size] / per_pixel[SMALL]:20.2f}"
    )


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="aliked-t16", choices=MODELS)
    parser.add_argument("--weights", default="", help="checkpoint; default: the released one")
    parser.add_argument("--backend", default="auto", choices=("auto", "torch"))
    parser.add_argument("--sizes", nargs="+", default=["1920x1080", "3840x2160"], help="px")
    parser.add_argument("--max-keypoints", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--row", default="", help=argparse.SUPPRESS)  # measured by a child
    return parser.parse_args()


def main() -> None:
    """Print a table; each row is measured by a child."""
    options = parse_arguments()
    if options.row:
        print(measure(options, options.row))
        return
    print(
        f"{'model':12}{'size':>11}{'peak MB':>9}{'median ms':>12}{'best':>9}{'ns/px':>10}", end=""
    )
    print(f"{f'over {SMALL}':>20}", flush=True)
    for size in options.sizes:
        subprocess.run([sys.executable, *sys.argv, "--row", size], check=True)


if __name__ == "__main__":
    main()
