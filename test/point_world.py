"""A world of points with exact poses, seen by an ideal camera: the truth of the odometry tests."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from aliked_ros.config import MatcherConfig
from aliked_ros.geometry import se3
from aliked_ros.matching import match
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.view import View
from aliked_ros.structs import Camera, Features

WIDTH, HEIGHT, FOCAL_PX = 640, 480, 500.0
BASELINE_M = 0.2
K = np.array([[FOCAL_PX, 0, 319.5], [0, FOCAL_PX, 239.5], [0, 0, 1]])
CAMERA = Camera(WIDTH, HEIGHT, K)
RIGHT_CAMERA = Camera(WIDTH, HEIGHT, K, P=np.column_stack([K, [-FOCAL_PX * BASELINE_M, 0, 0]]))
FRAME_NS = 100_000_000


class World:
    """Points (N, 3), metres, each with a descriptor (N, 64) of its own."""

    def __init__(self, points: np.ndarray, seed: int = 0, noise_px: float = 0.3) -> None:
        self.points = points
        self.noise_px = noise_px
        self._generator = np.random.default_rng(seed)
        descriptors = torch.from_numpy(self._generator.normal(size=(len(points), 64)))
        self.descriptors = F.normalize(descriptors.float(), dim=1)

    def see(
        self, T_world_camera: np.ndarray, outlier_share: float = 0.0
    ) -> tuple[Features, np.ndarray]:
        """Return the features of the visible points, in random order, and their depths."""
        points = se3.transform(se3.inverse(T_world_camera), self.points)
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = points[:, :2] / points[:, 2:] * FOCAL_PX + K[:2, 2]
        inside = (pixels >= 3).all(axis=1) & (pixels < [WIDTH - 3, HEIGHT - 3]).all(axis=1)
        seen = self._generator.permutation(np.flatnonzero(inside & (points[:, 2] > 0.2)))
        pixels = pixels[seen] + self._generator.normal(scale=self.noise_px, size=(len(seen), 2))
        wrong = self._generator.random(len(seen)) < outlier_share
        pixels[wrong] = self._generator.uniform([3, 3], [WIDTH - 3, HEIGHT - 3], (wrong.sum(), 2))
        scores = torch.ones(len(seen))
        features = Features(
            torch.from_numpy(pixels.astype(np.float32)),
            scores,
            torch.zeros(len(seen)),
            self.descriptors[seen],
            (HEIGHT, WIDTH),
        )
        return features, points[seen, 2]


def room(seed: int = 0, count: int = 1500) -> World:
    """Points in a volume in front of and around the camera, 2 to 10 m away."""
    generator = np.random.default_rng(seed)
    return World(generator.uniform([-8, -5, 2], [8, 5, 10], (count, 3)), seed)


def wall(seed: int = 0, count: int = 1500) -> World:
    """Points on a slanted plane."""
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(-6, 6, (2, count))
    return World(np.column_stack([x, y, 5 + 0.3 * x + 0.2 * y]), seed)


def nothing() -> tuple[Features, np.ndarray]:
    """What a textureless image gives."""
    features = Features(
        torch.zeros(0, 2), torch.zeros(0), torch.zeros(0), torch.zeros(0, 64), (HEIGHT, WIDTH)
    )
    return features, np.zeros(0)


def sideways(num_frames: int, step_m: float = 0.1) -> list[np.ndarray]:
    """A path to the right and a little forwards, turning slowly."""
    path = []
    for index in range(num_frames):
        s = index * step_m
        path.append(
            se3.from_rotation_translation(
                se3.exp_so3(np.array([0.02 * s, -0.05 * s, 0.01 * s])),
                np.array([s, 0.1 * np.sin(s), 0.3 * s]),
            )
        )
    return path


def turning(num_frames: int, step_rad: float = 0.02) -> list[np.ndarray]:
    """A turn about the vertical axis, without any translation."""
    return [
        se3.from_rotation_translation(se3.exp_so3(np.array([0, step_rad * i, 0])), np.zeros(3))
        for i in range(num_frames)
    ]


def match_views(view0: View, view1: View, min_similarity: float = 0.9) -> MatchedViews:
    """Match two views; points without a twin in the other image find no partner."""
    config = MatcherConfig(min_similarity=min_similarity)
    return MatchedViews.of(view0, view1, match(view0.features, view1.features, config))
