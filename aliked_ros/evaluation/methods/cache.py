"""Features on disk, so that an interrupted evaluation resumes and a repeated one is quick."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from aliked_ros.evaluation.methods.method import Extract
from aliked_ros.structs import Features, Pixels

_ARRAYS = ("keypoints", "scores", "dispersity", "descriptors")


class CachedExtractor:
    """Extracts the features of an image once, and remembers how long that took.

    Images are known by their pixels, so it does not matter which sequence, window or disturbance
    they came from.

    Args:
        extract: image -> features.
        folder: of these features alone: another configuration needs another folder.
        clock: returns seconds.

    Attributes:
        extraction_ms: how long the last image took when it was new.
    """

    def __init__(self, extract: Extract, folder: Path, clock: Callable[[], float]) -> None:
        self._extract = extract
        self._is_warm = False
        self._folder = folder
        self._clock = clock
        self.extraction_ms = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, image: Pixels) -> Features:
        """Return the features of an (H, W) grey or (H, W, 3) RGB image, on the CPU."""
        pixels = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
        pixels.update(image.tobytes())
        path = self._folder / f"{pixels.hexdigest()}.npz"
        if not path.is_file():
            self._store(path, image)
        with np.load(path) as stored:
            self.extraction_ms = float(stored["extraction_ms"])
            keypoints, scores, dispersity, descriptors = (
                torch.from_numpy(stored[name]) for name in _ARRAYS
            )
            height, width = stored["image_size"].tolist()
        return Features(keypoints, scores, dispersity, descriptors, (height, width))

    def _store(self, path: Path, image: Pixels) -> None:
        if not self._is_warm:
            self._extract(image)  # the first image pays for things that later ones find ready
            self._is_warm = True
        started_s = self._clock()
        features = self._extract(image).to("cpu")
        extraction_ms = 1e3 * (self._clock() - started_s)
        arrays = {name: getattr(features, name).numpy() for name in _ARRAYS}
        # A name of its own, then one rename: an interruption leaves no half-written features.
        unfinished = path.with_name(f"{path.stem}.{os.getpid()}.part")
        with unfinished.open("wb") as file:
            np.savez(file, extraction_ms=extraction_ms, image_size=features.image_size, **arrays)
        unfinished.replace(path)
