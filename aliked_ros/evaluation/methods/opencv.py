"""SIFT and ORB of OpenCV in the form of our features."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from aliked_ros.evaluation.methods.method import FAMILIES, Budget, Method, MethodName
from aliked_ros.structs import AnyArray, Features, Floats, Pixels

OPENCV_METHODS = FAMILIES["opencv"]
_ORB_SCALE = 1.2


def open_by_name(name: MethodName, budget: Budget) -> Method:
    """Return "sift" or "orb"."""
    extractor = OpenCVExtractor(name.model, budget.max_keypoints)
    identity = name.identity(f"cv{cv2.__version__}", budget)
    return Method(name.text, name.model, identity, extractor)


class OpenCVExtractor:
    """Finds SIFT (as RootSIFT) or ORB keypoints.

    Args:
        name: one of OPENCV_METHODS.
        max_keypoints: keep at most this many, strongest response first.
    """

    def __init__(self, name: str, max_keypoints: int = 1000) -> None:
        if name not in OPENCV_METHODS:
            raise ValueError(f"method is {name!r}: must be one of {', '.join(OPENCV_METHODS)}")
        self.name = name
        self.max_keypoints = max_keypoints
        self._detector, self._offset_px = (_sift if name == "sift" else _orb)(max_keypoints)

    def __call__(self, image: Pixels) -> Features:
        """Return the features of an (H, W) grey or (H, W, 3) RGB image, on the CPU."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
        found, raw = self._detector.detectAndCompute(grey, None)
        found = sorted(zip(found, raw, strict=True), key=_strength) if len(found) else []
        found = found[: self.max_keypoints]
        positions = np.array([keypoint.pt for keypoint, _ in found], np.float32).reshape(-1, 2)
        octaves = np.array([keypoint.octave for keypoint, _ in found], np.float32)
        scores = np.array([keypoint.response for keypoint, _ in found], np.float32)
        rows = [row for _, row in found]
        if self.name == "sift":
            descriptors = root_sift(np.array(rows, np.float32).reshape(-1, 128))
        else:
            descriptors = signs_of_bits(np.array(rows, np.uint8).reshape(-1, 32))
        return Features(
            torch.from_numpy(positions + self._bias_px(octaves.reshape(-1, 1))),
            torch.from_numpy(scores),
            torch.zeros(len(found)),
            torch.from_numpy(descriptors),
            (grey.shape[0], grey.shape[1]),
        )

    def _bias_px(self, octaves: Floats) -> Floats:
        """Return what to add so that (0, 0) is the centre of the top-left pixel: (N, 1) px."""
        if self.name == "sift":
            return np.full_like(octaves, self._offset_px)
        # ORB scales its pyramid about pixel corners and its keypoints about pixel centres.
        return 0.5 * _ORB_SCALE**octaves - 0.5


def _sift(max_keypoints: int) -> tuple[Any, float]:
    """Return the detector, and what corrects its keypoints, px."""
    try:
        return cv2.SIFT_create(max_keypoints, enable_precise_upscale=True), 0.0  # type: ignore[attr-defined]
    except (TypeError, cv2.error):
        # Before OpenCV 4.8 the doubled image is shifted by a quarter of a pixel.
        return cv2.SIFT_create(max_keypoints), -0.25  # type: ignore[attr-defined]


def _orb(max_keypoints: int) -> tuple[Any, float]:
    return cv2.ORB_create(max_keypoints, scaleFactor=_ORB_SCALE), 0.0  # type: ignore[attr-defined]


def _strength(found: tuple[Any, Any]) -> float:
    """Sort key: strongest response first; the sort is stable, so ties keep OpenCV's order."""
    return -float(found[0].response)


def root_sift(descriptors: AnyArray) -> Floats:
    """Return RootSIFT (Arandjelovic and Zisserman 2012) of SIFT (N, 128): unit rows."""
    sums = np.maximum(np.abs(descriptors).sum(axis=1, keepdims=True), 1e-12)
    rows: Floats = np.sqrt(descriptors / sums).astype(np.float32)
    return rows


def signs_of_bits(descriptors: Pixels) -> Floats:
    """Return bits (N, B) uint8 as unit rows (N, 8 B); cosine = 1 - Hamming distance / (4 B)."""
    bits = np.unpackbits(descriptors, axis=1).astype(np.float32)
    return (2 * bits - 1) / np.float32(np.sqrt(max(bits.shape[1], 1)))
