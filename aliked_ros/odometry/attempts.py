"""Which landmarks a new image may show, and where the camera may be, in the order of trust."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aliked_ros.odometry.map.finding import find_by_descriptor, find_by_place
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.links import Links
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Matches

NUM_AROUND = 20  # keyframes whose landmarks are looked for
_WIDER = 3.0  # times the radius, where the expectation was wrong


@dataclass(frozen=True, eq=False)
class Attempt:
    """Landmarks that an image may show.

    Attributes:
        links: to its keypoints.
        T_view_world: (4, 4) where the camera may be; None: the links must tell.
        trusts_prior: the rotation is known from another sensor; fewer inliers suffice.
    """

    links: Links
    T_view_world: Array | None = None
    trusts_prior: bool = False


def attempts(
    view: View,
    local_map: LocalMap,
    with_previous: Matches | None,
    T_view_expected: Array | None,
    K: Array,
    radius_px: float,
    least_similarity: float,
) -> Iterator[Attempt]:
    """Yield attempts; each is made only when the one before has failed.

    Args:
        view: the new image.
        local_map: the map; its newest image is the one before.
        with_previous: matches of the image before with the new one, or None.
        T_view_expected: (4, 4) where the camera is expected, T_view_world, or None.
        K: (3, 3) intrinsics of the rectified camera, px.
        radius_px: how wrong the expectation may be; 0: it is not used.
        least_similarity: cosine of two descriptors that may show one point near that place.
    """
    if T_view_expected is not None and radius_px > 0:
        numbers = local_map.around(local_map.in_sight, NUM_AROUND)
        for factor in (1.0, _WIDER):
            links = find_by_place(
                local_map.landmarks, numbers, view, T_view_expected, K,
                factor * radius_px, least_similarity,
            )  # fmt: skip
            yield Attempt(links, T_view_expected)
    if with_previous is not None:
        yield Attempt(_shown_before(local_map, with_previous, view))
    numbers = local_map.reference.numbers
    numbers = numbers[local_map.landmarks.is_alive[numbers]]
    links = find_by_descriptor(local_map.landmarks, numbers, view)
    yield Attempt(links)
    yield Attempt(links, trusts_prior=True)


def _shown_before(local_map: LocalMap, matches: Matches, view: View) -> Links:
    """Return the landmarks that the image before showed at the keypoints that match."""
    before = local_map.newest_image
    pairs = matches.indices.detach().cpu().numpy()
    numbers, keypoints = before.landmark[pairs[:, 0]], pairs[:, 1]
    # Links have cosines; a matcher may give other scores.
    similarities = np.einsum(
        "ij,ij->i",
        before.view.descriptors[pairs[:, 0]],
        view.descriptors[keypoints],
        dtype=np.float64,
    )
    is_known = (numbers != NONE) & np.isfinite(view.xy[keypoints, 0])
    links = Links(numbers, keypoints, similarities, np.zeros(0, np.int64)).select(is_known)
    return links.select(local_map.landmarks.is_alive[links.numbers])
