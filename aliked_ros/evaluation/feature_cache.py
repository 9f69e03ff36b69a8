"""Features kept per image on disk, so that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aliked_ros.structs import Features

Extract = Callable[[NDArray[np.uint8]], Features]

_IN_MEMORY = 4  # images; the reference image of a sequence is asked for again and again


class CachedExtractor:
    """Extracts the features of an image once.

    Args:
        extract: image (H, W, 3) -> features.
        folder: where the features of this method are kept, one .npz per image, named after the
            image's pixels; None keeps the last few in memory only.
    """

    def __init__(self, extract: Extract, folder: Path | None) -> None:
        self._extract = extract
        self._folder = folder
        self._recent: OrderedDict[str, Features] = OrderedDict()

    def __call__(self, image: NDArray[np.uint8]) -> Features:
        """Return the features of an image on the CPU, from the cache where it has them."""
        key = _fingerprint(image)
        features = self._recent.pop(key, None) or self._load(key)
        if features is None:
            features = self._extract(image).to("cpu")
            self._save(key, features)
        self._recent[key] = features
        if len(self._recent) > _IN_MEMORY:
            self._recent.popitem(last=False)
        return features

    def _load(self, key: str) -> Features | None:
        """Return stored features; None where there are none, or a file that was cut off."""
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path) as stored:
                height, width = (int(side) for side in stored["image_size"])
                return Features(
                    torch.from_numpy(stored["keypoints"]),
                    torch.from_numpy(stored["scores"]),
                    torch.from_numpy(stored["dispersity"]),
                    torch.from_numpy(stored["descriptors"]),
                    (height, width),
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _save(self, key: str, features: Features) -> None:
        path = self._path(key)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own, then one rename: an interruption leaves no half-written features.
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(
                file,
                keypoints=features.keypoints.numpy(),
                scores=features.scores.numpy(),
                dispersity=features.dispersity.numpy(),
                descriptors=features.descriptors.numpy(),
                image_size=np.array(features.image_size),
            )
        os.replace(file.name, path)

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{key}.npz"


def _fingerprint(image: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()[:24]
