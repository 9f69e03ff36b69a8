"""Pictures and arrays of a command's output folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from aliked_ros.structs import Features, Pixels


def save_picture(path: Path, picture: Pixels) -> None:
    """Write an (H, W, 3) RGB picture as PNG; make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} cannot be written: check the folder's permissions and the disk")


def save_features(path: Path, features: Features, model: str) -> None:
    """Write features as .npz: the fields of Features, and the model; make the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        keypoints=features.keypoints.cpu().numpy(),
        scores=features.scores.cpu().numpy(),
        dispersity=features.dispersity.cpu().numpy(),
        descriptors=features.descriptors.cpu().numpy(),
        image_size=np.array(features.image_size),
        model=model,
    )
