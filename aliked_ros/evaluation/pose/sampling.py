"""A sequence with ground truth -> a list of image pairs with known relative pose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aliked_ros.datasets import DatasetError, Sequence
from aliked_ros.datasets.image_files import write_image
from aliked_ros.evaluation.pose.pair_lists import PosedPair
from aliked_ros.geometry import se3
from aliked_ros.geometry.rectification import Rectifier
from aliked_ros.structs import Array, Camera


@dataclass(frozen=True)
class Limits:
    """Which pairs are asked for.

    Attributes:
        min_translation_m: below it ground truth does not tell the direction.
        max_translation_m: above it the images may show nothing in common.
        max_rotation_deg: likewise.
    """

    min_translation_m: float = 0.2
    max_translation_m: float = 1.0
    max_rotation_deg: float = 40.0


def sample_pairs(sequence: Sequence, count: int, limits: Limits, seed: int = 0) -> list[PosedPair]:
    """Return pairs of frames, drawn at random, in the order of the frames.

    Args:
        sequence: with calibration and ground truth.
        count: at most this many.
        limits: of the motion within a pair.
        seed: of the drawing.

    Raises:
        DatasetError: if no pair of frames keeps the limits.
    """
    K = sequence.require_camera().K_rectified
    T_world_cameras = rectified_poses(sequence)
    known = sorted(T_world_cameras)
    candidates = [
        (first, second)
        for position, first in enumerate(known)
        for second in known[position + 1 :]
        if _is_wanted(T_world_cameras[first], T_world_cameras[second], limits)
    ]
    if not candidates:
        raise DatasetError(f"{sequence.name}: no two frames with ground truth keep {limits}")
    generator = np.random.default_rng(seed)
    drawn = generator.choice(len(candidates), min(count, len(candidates)), replace=False)
    pairs = []
    for first, second in sorted(candidates[index] for index in drawn):
        T_1_0 = se3.inverse(T_world_cameras[second]) @ T_world_cameras[first]
        pairs.append(PosedPair(image_name(first), image_name(second), (0, 0), K, K, T_1_0))
    return pairs


def rectified_poses(sequence: Sequence) -> dict[int, Array]:
    """Return frame -> T_world_rectified (4, 4) of the frames that have ground truth."""
    if sequence.ground_truth is None:
        raise DatasetError(f"{sequence.name} has no ground truth: poses are needed")
    R_rectified_camera = sequence.require_camera().R
    T_camera_rectified = se3.from_rotation_translation(R_rectified_camera.T, np.zeros(3))
    poses = {}
    for index, stamp_ns in enumerate(sequence.stamps_ns):
        T_world_camera = sequence.ground_truth.at(int(stamp_ns))
        if T_world_camera is not None:
            poses[index] = T_world_camera @ T_camera_rectified
    return poses


def save_images(sequence: Sequence, pairs: list[PosedPair], folder: Path) -> None:
    """Write the rectified images that the pairs name into a folder, which is made."""
    rectify = Rectifier(sequence.require_camera())
    indices = {int(Path(name).stem) for pair in pairs for name in (pair.name0, pair.name1)}
    for index in sorted(indices):
        write_image(folder / image_name(index), rectify(sequence.read(index, "mono").image))


def rectified_camera(camera: Camera) -> Camera:
    """Return the pinhole camera of the rectified images."""
    return Camera(camera.width, camera.height, camera.K_rectified)


def image_name(index: int) -> str:
    """Return the file name of a frame."""
    return f"{index:06d}.png"


def _is_wanted(T_world_0: Array, T_world_1: Array, limits: Limits) -> bool:
    translation_m = float(np.linalg.norm(T_world_0[:3, 3] - T_world_1[:3, 3]))
    if not limits.min_translation_m <= translation_m <= limits.max_translation_m:
        return False
    R_1_0 = T_world_1[:3, :3].T @ T_world_0[:3, :3]
    # The trace tells the angle; the logarithm would be slow for all pairs of a long sequence.
    angle_deg = float(np.degrees(np.arccos(np.clip((np.trace(R_1_0) - 1) / 2, -1, 1))))
    return angle_deg <= limits.max_rotation_deg
