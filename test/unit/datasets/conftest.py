"""Tiny fake sequences, written file by file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

SIZE = (24, 32)


@pytest.fixture
def save_image():
    """Return a function that writes a small picture, grey or RGB, of a given brightness."""

    def save(path: Path, brightness: int = 100, *, is_colour: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full(SIZE, brightness, np.uint8)
        picture[:, 16:] //= 2
        if is_colour:
            # Blue is far from red, so that swapped channels show.
            picture = np.stack([picture // 4, picture // 2, picture], axis=-1)
        assert cv2.imwrite(str(path), picture)

    return save


@pytest.fixture
def save_depth():
    """Return a function that writes a uint16 depth PNG."""

    def save(path: Path, units: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), units.astype(np.uint16))

    return save


@pytest.fixture
def save_camera_info():
    """Return a function that writes a camera_calibration YAML with a focal length."""

    def save(path: Path, focal_px: float, size: tuple[int, int] = SIZE) -> None:
        K = [focal_px, 0.0, 15.5, 0.0, focal_px, 11.5, 0.0, 0.0, 1.0]
        content = {
            "image_width": size[1],
            "image_height": size[0],
            "camera_name": "fake",
            "camera_matrix": {"rows": 3, "cols": 3, "data": K},
            "distortion_model": "plumb_bob",
            "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.1, 0.01, 0, 0, 0]},
        }
        path.write_text(yaml.safe_dump(content))

    return save
