"""Time LightGlue on two images, beside kornia's where that is installed, in turns.

python3 bench/bench_lightglue.py a.jpg b.jpg --keypoints 512 1024
python3 bench/bench_lightglue.py a.jpg b.jpg --model aliked-t16 --weights out/mine/best.pth
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from aliked_ros.config import ExtractorConfig, MatcherConfig
from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.image_files import read_image
from aliked_ros.extractor import Extractor
from aliked_ros.inference.bfloat16 import why_no_bfloat16
from aliked_ros.matching import match
from aliked_ros.network.released import LIGHTGLUE, RELEASE_SHA256, find_weights, sha256_of
from aliked_ros.structs import Features

_NEVER = -1  # kornia's way to switch adaptation off


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", type=Path, help="two; else two of the rendered room")
    parser.add_argument("--keypoints", nargs="+", type=int, default=[512, 1024])
    parser.add_argument("--model", default="aliked-n16", help="whose features are paired")
    parser.add_argument("--extractor-weights", default="", help="of the model")
    parser.add_argument("--weights", default="", help="of LightGlue")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images = [read_image(path) for path in arguments.images] or _rendered()
    path = str(find_weights(LIGHTGLUE, arguments.weights))
    print(f"{arguments.device}, {arguments.threads} threads, torch {torch.__version__}; ms")
    for count in arguments.keypoints:
        extractor = Extractor(
            ExtractorConfig(
                model=arguments.model, weights=arguments.extractor_weights,
                device=arguments.device, max_keypoints=count, detection_threshold=0.0,
            )
        )  # fmt: skip
        features0, features1 = (extractor(image) for image in images)
        sizes = f"{len(features0)} and {len(features1)} keypoints"
        print(f"\n{sizes:32}{'median':>12}{'best':>8}{'cpu':>8}{'matches':>9}")
        _measure(_runs(path, features0, features1), arguments.repeats)


def _rendered() -> list[Any]:
    """Return two views of the rendered room, some steps apart."""
    frames = list(open_sequence("synthetic").frames("mono", limit=16))
    return [frames[0].image, frames[-1].image]


def _runs(weights: str, first: Features, second: Features) -> dict[str, Callable[[], int]]:
    """Return name -> how many matches it finds."""

    def ours(config: MatcherConfig) -> int:
        return len(match(first, second, config))

    runs: dict[str, Callable[[], int]] = {"nearest neighbours": partial(ours, MatcherConfig())}
    device = first.descriptors.device
    for precision in MatcherConfig.__dataclass_fields__["precision"].metadata["choices"]:
        if precision != "float32" and why_no_bfloat16(device, "auto"):
            continue
        for name, adaptive in (("all layers", False), ("adaptive", True)):
            config = MatcherConfig(
                kind="lightglue", precision=precision, adaptive=adaptive, weights=weights
            )
            runs[f"ours, {precision}, {name}"] = partial(ours, config)
    is_released = sha256_of(Path(weights)) == RELEASE_SHA256[LIGHTGLUE]
    if not is_released or importlib.util.find_spec("kornia") is None:
        print("kornia is not installed, or does not have this network: nothing to compare with")
        return runs
    for name, adaptive in (("kornia, all layers", False), ("kornia, adaptive", True)):
        runs[name] = _kornia(weights, first, second, adaptive)
    return runs


def _kornia(weights: str, first: Features, second: Features, adaptive: bool) -> Callable[[], int]:
    from kornia.feature import LightGlue

    off = {} if adaptive else {"depth_confidence": _NEVER, "width_confidence": _NEVER}
    network = LightGlue(None, input_dim=128, **off)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    absent, unknown = network.load_state_dict(state, strict=False)
    if unknown or absent != ["confidence_thresholds"]:  # which it computes itself
        raise RuntimeError(f"kornia's network has other parameters: {absent}, {unknown}")
    network = network.eval().to(first.descriptors.device)
    data = {
        f"image{number}": {
            "keypoints": features.keypoints.unsqueeze(0),
            "descriptors": features.descriptors.unsqueeze(0),
            "image_size": features.keypoints.new_tensor([features.image_size[::-1]]),
        }
        for number, features in enumerate((first, second))
    }

    def run() -> int:
        with torch.inference_mode():
            return len(network(data)["matches"][0])

    return run


def _measure(runs: dict[str, Callable[[], int]], repeats: int) -> None:
    """Print the times; the runs take turns, so that a busy machine is as slow for all.

    The least processor time says more than the clock where others use the same cores.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    costs: dict[str, list[float]] = {name: [] for name in runs}
    found = {name: run() for name, run in runs.items()}
    for _ in range(repeats):
        for name, run in runs.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            times[name].append((time.perf_counter() - start) * 1e3)
            costs[name].append((time.process_time() - start_cpu) * 1e3)
    for name, values in times.items():
        best = f"{min(values):8.1f}{min(costs[name]):8.1f}"
        print(f"{name:32}{statistics.median(values):12.1f}{best}{found[name]:9}")


if __name__ == "__main__":
    main()
