"""Time the extractor beside the plain torch network, kornia's ALIKED and the compute floor.

    python3 bench/bench_extractor.py --model aliked-n16 --device cpu --repeats 30

One run measures everything in turns, so that the ratios hold on a busy machine too. The floor
is the time that the paper's multiply-adds take at the measured rate of a float32 matrix product.
"processor" is the least time of all threads together, which other work on the machine changes
little. kornia is optional: install it, or put it on PYTHONPATH. `--precision bfloat16` (on a GPU
float16) and `--batch 4` are compared with float32 and single images as well.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.config import MODELS
from aliked_ros.network.released import find_weights

# Giga multiply-adds of a 640x480 image with 1000 keypoints; others scale with the pixels.
MULTIPLY_ADDS = {
    "aliked-t16": 1.367,
    "aliked-n16": 4.051,
    "aliked-n16rot": 4.051,
    "aliked-n32": 4.624,
}
PRODUCT = "matrix product"


def shared_folder() -> Path:
    """Return the folder of shared data, there or not."""
    repository = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("ALIKED_SHARED") or repository.parent / "shared")


def read_image(width: int, height: int) -> np.ndarray:
    """Return an RGB image: a photograph where there is shared data, else noise blobs."""
    photograph = shared_folder() / "golden" / "tum_desk.png"
    if photograph.is_file():
        import cv2

        bgr = cv2.resize(cv2.imread(str(photograph)), (width, height), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(bgr[:, :, ::-1])
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=torch.Generator().manual_seed(0))
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return fine[0].permute(1, 2, 0).clamp(0, 1).mul(255).to(torch.uint8).contiguous().numpy()


def checkpoint(model: str) -> str:
    """Return the released checkpoint: shared data first, else where the library looks."""
    path = shared_folder() / "weights" / f"{model}.pth"
    return str(path if path.is_file() else find_weights(model))


def kornia_extractor(
    config: ExtractorConfig, image: np.ndarray, device: torch.device
) -> Callable[[], object] | None:
    """Return kornia's extraction of the same image with the same weights, or None without it."""
    try:
        from kornia.feature import ALIKED
    except ImportError:
        return None
    network = ALIKED(config.model, config.max_keypoints, config.detection_threshold)
    state = torch.load(config.weights, map_location="cpu", weights_only=True)
    missing = network.load_state_dict(state, strict=False).missing_keys
    assert missing == ["dkd.hw_grid"], missing
    network = network.eval().to(device)
    batch = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)

    def run() -> object:
        with torch.inference_mode():
            return network(batch.to(device).float() / 255)

    return run


def time_in_turns(
    runs: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the milliseconds of each repeat, and the least by another clock; runs take turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    least = dict.fromkeys(runs, float("inf"))
    for repeat in range(repeats + 3):
        for name, run in runs.items():
            other, start = clock(), time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if repeat >= 3:
                times[name].append((time.perf_counter() - start) * 1e3)
                least[name] = min(least[name], (clock() - other) * 1e3)
    return times, least


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="aliked-n16", choices=MODELS)
    parser.add_argument("--weights", default="", help="checkpoint; default: the released one")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch", type=int, default=1, help="images at once")
    parser.add_argument("--size", default="640x480", help="width x height, px")
    parser.add_argument("--max-keypoints", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def contenders(
    config: ExtractorConfig, image: np.ndarray, options: argparse.Namespace
) -> tuple[dict[str, Callable[[], object]], str]:
    """Return name -> what is timed, ours first, and a description of the run."""
    extractor = Extractor(replace(config, precision=options.precision))
    plain = Extractor(replace(config, backend="torch"))
    images = [image] * options.batch
    left, right = torch.rand(2, 2048, 2048, device=extractor.device)
    runs: dict[str, Callable[[], object]] = {
        f"aliked_ros, {extractor.backend}": lambda: extractor.extract_all(images),
        "aliked_ros, plain torch": lambda: plain(image),
        PRODUCT: lambda: left @ right,
    }
    if options.precision != "float32" or options.batch > 1:
        single = Extractor(config)
        runs["aliked_ros, float32, one image"] = lambda: single(image)
    if peer := kornia_extractor(config, image, extractor.device):
        runs["kornia, float32"] = peer
    about = (
        f"{options.model} {options.size} x {options.batch}, {options.precision}, "
        f"{len(extractor(image))} keypoints, {extractor.device}, "
        f"{platform.processor() or platform.machine()}, {options.threads} threads, "
        f"torch {torch.__version__}"
    )
    return runs, about


def report(
    times: dict[str, list[float]],
    processor: dict[str, float],
    options: argparse.Namespace,
    num_pixels: int,
) -> None:
    """Print milliseconds, the compute floor and the ratios to ours, which comes first."""
    print(f"{'':44}{'median':>10}{'best':>10}{'processor':>10}  ms")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:44}{median:10.2f}{min(values):10.2f}{processor[name]:10.2f}")
    ours = next(iter(times))
    best = min(times[ours]) / options.batch
    rate = 2048**3 / min(times[PRODUCT]) / 1e6  # giga multiply-adds per second
    floor = MULTIPLY_ADDS[options.model] * num_pixels / (640 * 480) / rate * 1e3
    print(f"compute floor {floor:.2f} ms at {rate:.0f} G multiply-adds/s; ", end="")
    print(f"the best image takes {best / floor:.2f} times as long")
    for name, values in times.items():
        if name not in {ours, PRODUCT}:
            medians = statistics.median(values) / statistics.median(times[ours])
            print(
                f"{name}: {medians * options.batch:.2f} times as long per image "
                f"(best: {min(values) / best:.2f}, "
                f"processor: {processor[name] * options.batch / processor[ours]:.2f})"
            )


def main() -> None:
    """Parse the command line, measure, print."""
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    width, height = map(int, options.size.split("x"))
    image = read_image(width, height)
    config = ExtractorConfig(
        model=options.model,
        weights=options.weights or checkpoint(options.model),
        device=options.device,
        max_keypoints=options.max_keypoints,
        detection_threshold=0.0,  # every run describes as many keypoints as it may
    )
    runs, about = contenders(config, image, options)
    times, processor = time_in_turns(runs, options.repeats, time.process_time)
    print(about)
    report(times, processor, options, width * height)


if __name__ == "__main__":
    main()
