"""What the tests of the training share: random partners, drawn photographs, a tiny run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from aliked_ros.training.loop.extractor_task import ExtractorTask
from aliked_ros.training.loop.processes import Processes
from aliked_ros.training.pairs.homographic import HomographicPairs, ViewRange
from aliked_ros.training.pairs.photographs import Photographs
from aliked_ros.training.recipe import TrainingConfig

ALONE = Processes(0, 1, torch.device("cpu"))
TINY = TrainingConfig(
    device="cpu", size_px=64, num_detected=24, num_random=16, batch_pairs=1, accumulate=1,
    warm_up_steps=2, num_steps=6, num_workers=0, log_every=1, save_every=100, validate_every=100,
    learning_rate=1e-3,
)  # fmt: skip


def unit_rows(generator: np.random.Generator, number: int, dim: int = 4) -> torch.Tensor:
    rows = generator.normal(size=(number, dim))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def random_positives(generator: np.random.Generator, number0: int, number1: int) -> torch.Tensor:
    """Partners that are one to one, in a random order."""
    count = int(generator.integers(1, min(number0, number1) + 1))
    columns = [generator.permutation(number)[:count] for number in (number0, number1)]
    return torch.from_numpy(np.stack(columns, axis=1).astype(np.int64))


def draw_photograph(seed: int, height: int = 160, width: int = 200) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) of a smooth ground with rectangles and discs on it."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(40, 216, (height // 16, width // 16, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(40):
        x, y = (int(v) for v in generator.integers(0, (width, height)))
        colour = tuple(int(level) for level in generator.integers(0, 256, 3))
        size = int(generator.integers(3, 20))
        if generator.uniform() < 0.5:
            cv2.rectangle(image, (x, y), (x + size, y + size), colour, -1)
        else:
            cv2.circle(image, (x, y), size // 2, colour, -1)
    return np.asarray(image, np.uint8)


def write_photographs(folder: Path, number: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(number):
        cv2.imwrite(str(folder / f"{seed}.png"), draw_photograph(seed))
    return folder


def tiny_source(folder: Path, config: TrainingConfig = TINY) -> HomographicPairs:
    return HomographicPairs(Photographs([folder]), config.size_px, ViewRange())


def tiny(out: Path, **changes: object) -> TrainingConfig:
    return replace(TINY, out=str(out), **changes)  # type: ignore[arg-type]


def tiny_task(
    config: TrainingConfig = TINY, source: object = None, validation: tuple[object, ...] = ()
) -> ExtractorTask:
    return ExtractorTask(config, source, validation)  # type: ignore[arg-type]
