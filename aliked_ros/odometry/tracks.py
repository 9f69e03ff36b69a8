"""Which keypoints of successive images are the same point: persistent track ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project
from aliked_ros.geometry.triangulation import inverse_depth_from_motion
from aliked_ros.geometry.vectors import seen_from
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.result import TrackedPairs
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Index, Matches


class Tracks:
    """Gives each keypoint of the newest image a track id and counts how often it was seen.

    Attributes:
        off_px: (K,) how far the newest image's pairs are from where the motion allows them to be,
            px; NaN where nobody knows, inf where it does not at all.
    """

    def __init__(self) -> None:
        self.off_px: Array = np.zeros(0)
        self._next_id = 0
        self._ids = np.zeros(0, dtype=np.uint64)
        self._lengths = np.zeros(0, dtype=np.uint32)

    def update(
        self, indices: Index, num_keypoints: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        """Carry the tracks over to the next image.

        Args:
            indices: (K, 2) int64, one-to-one pairs: row in the last image, row in the next one.
            num_keypoints: N, in the next image; those without a partner begin new tracks.

        Returns:
            track_ids: (N,) uint64 of the next image's keypoints; an id is never reused.
            lengths: (N,) uint32, images in which each track was seen, at least 1.
        """
        ids = np.zeros(num_keypoints, dtype=np.uint64)
        lengths = np.ones(num_keypoints, dtype=np.uint32)
        is_new = np.ones(num_keypoints, dtype=bool)
        last, following = indices.T
        ids[following] = self._ids[last]
        lengths[following] += self._lengths[last]
        is_new[following] = False
        num_new = int(is_new.sum())
        ids[is_new] = np.arange(self._next_id, self._next_id + num_new, dtype=np.uint64)
        self._next_id += num_new
        self._ids, self._lengths = ids, lengths
        return ids, lengths

    def forget(self) -> None:
        """Restart with the next image; ids go on counting, so that none is reused."""
        self._ids = self._ids[:0]
        self._lengths = self._lengths[:0]

    def of_image(
        self,
        view: View,
        T_world_view: Array | None,
        previous: View | None,
        T_world_previous: Array | None,
        matches: Matches | None,
        K: Array,
        threshold_px: float,
    ) -> TrackedPairs:
        """Carry the tracks to the next image and return its pairs with the previous one.

        Where both poses are known, a pair that contradicts the motion ends its track.

        Args:
            view: the image.
            T_world_view: (4, 4) its pose, or None.
            previous: the image before, or None.
            T_world_previous: (4, 4) its pose, or None.
            matches: between them, or None.
            K: (3, 3) intrinsics of the rectified camera, px.
            threshold_px: largest distance of an inlier from where the motion allows it.
        """
        if previous is None or matches is None:
            pairs, similarities = np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
            previous = view
        else:
            pairs = matches.indices.detach().cpu().numpy()
            similarities = matches.similarities.detach().cpu().numpy()
        self.off_px = np.full(len(pairs), np.nan)
        same = pairs
        if T_world_view is not None and T_world_previous is not None:
            T_1_0 = se3.inverse(T_world_view) @ T_world_previous
            self.off_px = _off_px(MatchedViews(previous, view, pairs), T_1_0, K)
            # A wrong pair would tie two points into one track, across the image.
            same = pairs[self.off_px < threshold_px]
        track_ids, lengths = self.update(same, len(view))
        return TrackedPairs(
            previous_stamp_ns=previous.stamp_ns,
            indices=pairs,
            keypoints_previous=previous.keypoints[pairs[:, 0]],
            keypoints_current=view.keypoints[pairs[:, 1]],
            similarities=similarities,
            track_ids=track_ids[pairs[:, 1]],
            lengths=lengths[pairs[:, 1]],
            inlier_mask=self.off_px < threshold_px,
        )


def _off_px(matched: MatchedViews, T_1_0: Array, K: Array) -> Array:
    """Return how far pairs (K,) are from where a motion allows them to be, px."""
    xy0, xy1 = matched.xy
    # A pair without a measured depth may lie anywhere on its epipolar line in front of the camera.
    triangulated, _ = inverse_depth_from_motion(xy0, xy1, T_1_0, 0.0)
    known = matched.inverse_depth0
    inverse_depth = np.where(np.isfinite(known), known, np.maximum(triangulated, 0))
    points1 = seen_from(T_1_0, xy0, inverse_depth)
    with np.errstate(invalid="ignore"):
        off_px = np.linalg.norm(project(points1, K) - matched.pixels[1], axis=1)
    off: Array = np.where(points1[:, 2] <= 0, np.inf, off_px)
    return off
