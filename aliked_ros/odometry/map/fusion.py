"""A new landmark may be an old one: it is looked for in the keyframes around."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.map.finding import find_by_place
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.links import Links
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.structs import Array, Index, Mask

_NUM_NEIGHBOURS = 8
_MIN_SHARED = 15  # landmarks that a neighbour has in common with the keyframe
_RADIUS_PX = 3.0
_MAX_OFF = 4.0  # of a measured inverse depth, standard deviations


def fuse(
    local_map: LocalMap, keyframe: Keyframe, numbers: Index, K: Array, least_similarity: float
) -> None:
    """Look for landmarks (M,) that a keyframe has just made in its neighbours.

    Where a neighbour's keypoint shows none, it is linked; where it shows another landmark, the two
    become one, unless a keyframe shows both.

    Args:
        local_map: the map.
        keyframe: the newest keyframe.
        numbers: (M,) the landmarks.
        K: (3, 3) intrinsics of the rectified camera, px.
        least_similarity: cosine of two descriptors that may show one point.
    """
    neighbours = local_map.covisible(keyframe.numbers, _MIN_SHARED)[: _NUM_NEIGHBOURS + 1]
    for neighbour in neighbours:
        if neighbour is keyframe:
            continue
        links = find_by_place(
            local_map.landmarks,
            numbers[local_map.landmarks.is_alive[numbers]],
            neighbour.view,
            neighbour.T_view_world,
            K,
            _RADIUS_PX,
            least_similarity,
        )
        links = links.select(_agrees_in_depth(local_map, neighbour, links))
        shown = neighbour.landmark[links.keypoints]
        is_free = (shown == NONE) & ~np.isin(links.numbers, neighbour.numbers)
        neighbour.landmark[links.keypoints[is_free]] = links.numbers[is_free]
        _merge(local_map, links.numbers[shown != NONE], shown[shown != NONE])


def _agrees_in_depth(local_map: LocalMap, keyframe: Keyframe, links: Links) -> Mask:
    """Return which links (M,) the depth that the keyframe measured does not contradict."""
    points = local_map.landmarks.points_world[links.numbers]
    expected = 1 / se3.transform(keyframe.T_view_world, points)[:, 2]
    measured = keyframe.view.inverse_depth[links.keypoints]
    sigma = keyframe.view.depth_sigma[links.keypoints]
    return ~(np.abs(measured - expected) > _MAX_OFF * sigma)


def _merge(local_map: LocalMap, gone: Index, kept: Index) -> None:
    """Make pairs of landmarks (P,) one each, unless a keyframe shows both."""
    if len(gone) == 0:
        return
    is_one = (gone != kept) & ~_are_seen_together(local_map, gone, kept)
    # A landmark that two pairs name would become two things at once: the first pair counts.
    first = np.zeros(len(gone), np.bool_)
    first[np.unique(gone, return_index=True)[1]] = True
    is_one &= first & ~np.isin(kept, gone)
    label = np.arange(len(local_map.landmarks) + 1)
    label[NONE] = NONE
    label[gone[is_one]] = kept[is_one]
    for image in local_map.images:
        image.landmark = label[image.landmark]
    local_map.landmarks.is_alive[gone[is_one]] = False


def _are_seen_together(local_map: LocalMap, one: Index, other: Index) -> Mask:
    """Return of which pairs (P,) of landmarks a keyframe shows both."""
    column = np.full(len(local_map.landmarks) + 1, NONE)
    asked = np.unique(np.concatenate([one, other]))
    column[asked] = np.arange(len(asked))
    seen = np.zeros((len(local_map), len(asked) + 1), np.bool_)  # the last one is for NONE
    for row, keyframe in zip(seen, local_map.keyframes, strict=True):
        row[column[keyframe.landmark]] = True
    together: Mask = (seen[:, column[one]] & seen[:, column[other]]).any(axis=0)
    return together
