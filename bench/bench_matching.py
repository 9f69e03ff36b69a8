"""Time mutual nearest neighbours beside one matrix product of the same size, in turns.

python3 bench/bench_matching.py --device cpu --num 2048
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from aliked_ros.extractor import pick_device
from aliked_ros.matching import mutual_nearest_neighbours


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--num", type=int, default=2048, help="descriptors of each image")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = pick_device(arguments.device)
    generator = torch.Generator().manual_seed(0)
    shape = (arguments.num, arguments.dim)
    left, right = (
        torch.nn.functional.normalize(torch.randn(shape, generator=generator), dim=1).to(device)
        for _ in range(2)
    )
    runs: dict[str, Callable[[], object]] = {
        "mutual nearest neighbours": lambda: mutual_nearest_neighbours(left, right),
        "matrix product": lambda: left @ right.T,
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(arguments.repeats + 5):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if repeat >= 5:
                times[name].append((time.perf_counter() - start) * 1e3)
    print(
        f"{arguments.num} x {arguments.num} x {arguments.dim}, {device}, torch {torch.__version__}"
    )
    for name, values in times.items():
        print(f"{name:28}{statistics.median(values):8.3f}{min(values):8.3f}  ms, median and best")
    ours, product = times.values()
    print(f"ratio {statistics.median(ours) / statistics.median(product):.2f}")


if __name__ == "__main__":
    main()
