"""Which keypoints of a view show some landmarks: by place, or by descriptor alone."""

from __future__ import annotations

import numpy as np
import torch

from aliked_ros.geometry.place_search import find_near
from aliked_ros.geometry.visibility import expected_places
from aliked_ros.matching import mutual_nearest_neighbours
from aliked_ros.odometry.map.landmarks import Landmarks
from aliked_ros.odometry.map.links import Links
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index

_MIN_COSINE = 0.5  # between the directions from which a landmark was seen and is seen: 60 degrees


def project_landmarks(
    landmarks: Landmarks, numbers: Index, T_view_world: Array, K: Array, image_size: tuple[int, int]
) -> tuple[Index, Array]:
    """Return those of the landmarks (M,) that a view should show, and where (V, 2), px.

    Those that lie in front of it and inside the image, and are not seen from quite another side
    than before.
    """
    return expected_places(
        landmarks.points_world, landmarks.direction, numbers, T_view_world, K, image_size,
        _MIN_COSINE,
    )  # fmt: skip


def find_by_place(
    landmarks: Landmarks,
    numbers: Index,
    view: View,
    T_view_world: Array,
    K: Array,
    radius_px: float,
    least_similarity: float,
) -> Links:
    """Look for landmarks (M,) around where a view at a pose should show them."""
    image_size = view.features.image_size
    expected, places = project_landmarks(landmarks, numbers, T_view_world, K, image_size)
    keypoints, similarities = find_near(
        landmarks.descriptors, places, radius_px, view.pixels, view.descriptors, image_size,
        rows=expected,
    )  # fmt: skip
    found = (keypoints >= 0) & (similarities >= least_similarity)
    return Links(expected[found], keypoints[found], similarities[found], expected)


def find_by_descriptor(landmarks: Landmarks, numbers: Index, view: View) -> Links:
    """Look for landmarks (M,) in the whole image: the mutual nearest neighbours."""
    sought = torch.from_numpy(landmarks.descriptors[numbers])
    pairs, similarities = mutual_nearest_neighbours(sought, torch.from_numpy(view.descriptors))
    rows, keypoints = pairs.numpy().T
    links = Links(
        numbers[rows], keypoints, similarities.numpy().astype(np.float64), np.zeros(0, np.int64)
    )
    return links.select(np.isfinite(view.xy[keypoints, 0]))
