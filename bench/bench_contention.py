"""Time a frame on a CPU alone and beside processes that keep the cores busy.

    python3 bench/bench_contention.py --model aliked-t16 --busy 2 4 8

A frame is an extraction, and matching with the frame before. Its fair share beside n busy
processes is its time alone x (n + 1) / cores: what a program gets that loses nothing by waiting for
itself. kornia's extraction is timed as well if it is installed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from bench_extractor import checkpoint, kornia_extractor, read_image

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.config import MODELS
from aliked_ros.matching import match

NUM_CORES = len(os.sched_getaffinity(0))


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run processes that do nothing but keep a core busy each."""
    command = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def milliseconds(run: Callable[[], object], repeats: int) -> list[float]:
    """Return how long each repeat takes, after three that do not count."""
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return times[3:]


def contenders(config: ExtractorConfig, image: np.ndarray) -> dict[str, Callable[[], object]]:
    """Return name -> a frame."""
    extractor = Extractor(config)
    last = [extractor(image)]

    def frame() -> None:
        features = extractor(image)
        match(last[0], features)
        last[0] = features

    found: dict[str, Callable[[], object]] = {f"aliked_ros, {extractor.backend}": frame}
    if peer := kornia_extractor(config, image, extractor.device):
        found["kornia, extraction"] = peer
    return found


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="aliked-t16", choices=MODELS)
    parser.add_argument("--weights", default="", help="checkpoint; default: the released one")
    parser.add_argument("--size", default="640x480", help="width x height, px")
    parser.add_argument("--max-keypoints", type=int, default=1000)
    parser.add_argument("--busy", type=int, nargs="+", default=[2, 4, 8], help="processes beside")
    parser.add_argument("--repeats", type=int, default=200)
    return parser.parse_args()


def main() -> None:
    """Parse the command line, measure, print."""
    options = parse_arguments()
    width, height = map(int, options.size.split("x"))
    config = ExtractorConfig(
        model=options.model,
        weights=options.weights or checkpoint(options.model),
        device="cpu",
        max_keypoints=options.max_keypoints,
        detection_threshold=0.0,
    )
    print(
        f"{options.model} {options.size}, {NUM_CORES} cores, {torch.get_num_threads()} threads, "
        f"load before {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':32}{'busy':>5}{'median':>9}{'p99':>9}  ms{'x fair share':>14}{'p99 / median':>14}")
    for name, run in contenders(config, read_image(width, height)).items():
        alone = 0.0
        for count in (0, *options.busy):
            with busy_processes(count):
                times = milliseconds(run, options.repeats)
            median, worst = statistics.median(times), float(np.percentile(times, 99))
            alone = alone or median
            fair = alone * max(1.0, (count + 1) / NUM_CORES)
            print(
                f"{name:32}{count:5}{median:9.1f}{worst:9.1f}{median / fair:18.2f}"
                f"{worst / median:14.2f}"
            )


if __name__ == "__main__":
    main()
