"""7-Scenes: frame-N.color, .depth in mm of a second camera, .pose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from aliked_ros.datasets import camera_files, partners, stamps
from aliked_ros.datasets.ground_truth import GroundTruth, are_rotations, nearest_rigid
from aliked_ros.datasets.image_files import read_raw_depth
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.datasets.text_files import read_text
from aliked_ros.images.depth import to_metres
from aliked_ros.structs import AnyArray, Array, Camera, Floats, Index

DEFAULT_RATE_HZ = 30.0
# The published 585/320/240 belongs to the depth camera; the colour camera is wider.
COLOUR_FOCAL_PX = 525.0
DEPTH_FOCAL_PX = 585.0
_COLOUR_SUFFIXES = (".color.png", ".color.jpg")


class SevenScenesSequence(FileSequence):
    """One seq-NN folder of a scene."""

    layout = "7scenes"
    looks_for = "frame-*.color.png or .jpg (7-Scenes)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return any(next(path.glob(f"frame-*{suffix}"), None) for suffix in _COLOUR_SUFFIXES)

    def __init__(self, path: Path, options: Options) -> None:
        images = sorted(file for end in _COLOUR_SUFFIXES for file in path.glob(f"frame-*{end}"))
        stamps_ns = stamps.at_rate(len(images), options.rate_hz or DEFAULT_RATE_HZ)
        named = [_sibling(image, "depth.png") for image in images]
        depths = [file if file.is_file() else None for file in named]
        num_missing = depths.count(None)
        K = _pinhole(COLOUR_FOCAL_PX, 320.0, 240.0)
        own = Calibration(Camera(640, 480, K))
        super().__init__(
            path.resolve().name,
            stamps_ns,
            Files(images, depths=depths),
            camera_files.override(own, path, options),
            options,
            ground_truth=_ground_truth(images, stamps_ns),
            has_stamps=False,
            remarks=[partners.missing("depth image", num_missing, len(images))],
        )
        self._K_depth = _depth_intrinsics(path)

    def _read_depth(self, path: Path) -> Floats:
        raw = read_raw_depth(path, self._max_megapixels)
        registered = _register(raw, self._K_depth, self.require_camera())
        return to_metres(registered, self._depth_scale)


def _register(raw: AnyArray, K_depth: Array, camera: Camera) -> AnyArray:
    """Return the depth image as the colour camera sees it: rescaled about its centre, same z.

    The lever arm between the two cameras is not published and is left out; 0 where unseen.
    """
    K_depth_colour = K_depth @ np.linalg.inv(camera.K)
    columns = K_depth_colour[0, 0] * np.arange(camera.width) + K_depth_colour[0, 2]
    rows = K_depth_colour[1, 1] * np.arange(camera.height) + K_depth_colour[1, 2]
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return cv2.remap(raw, x, y, cv2.INTER_NEAREST, borderValue=0)


def _depth_intrinsics(path: Path) -> Array:
    file = path / "camera-intrinsics.txt"
    if not file.is_file():
        return _pinhole(DEPTH_FOCAL_PX, 320.0, 240.0)
    try:
        return np.loadtxt(read_text(file).splitlines()).reshape(3, 3)
    except ValueError as error:
        raise DatasetError(f"{file}: give a 3x3 matrix, px ({error})") from error


def _pinhole(focal_px: float, cx: float, cy: float) -> Array:
    return np.array([[focal_px, 0.0, cx], [0.0, focal_px, cy], [0.0, 0.0, 1.0]])


def _sibling(image: Path, ending: str) -> Path:
    return image.with_name(f"{image.name.split('.')[0]}.{ending}")


def _ground_truth(images: list[Path], stamps_ns: Index) -> GroundTruth | None:
    """Return the poses of the frames that have a finite one."""
    kept, poses = [], []
    for index, image in enumerate(images):
        file = _sibling(image, "pose.txt")
        if not file.is_file():
            continue
        try:
            values = np.array(read_text(file).split(), np.float64)
        except ValueError as error:
            raise DatasetError(f"{file}: give a 4x4 matrix ({error})") from error
        if values.size != 16:
            raise DatasetError(f"{file}: give a 4x4 matrix, it has {values.size} numbers")
        kept.append(index)
        poses.append(values.reshape(4, 4))
    if not poses:
        return None
    T, kept_ns = np.array(poses), stamps_ns[kept]
    is_pose = np.isfinite(T).all(axis=(1, 2)) & are_rotations(T[:, :3, :3])
    return GroundTruth(kept_ns[is_pose], nearest_rigid(T[is_pose]), int((~is_pose).sum()))
