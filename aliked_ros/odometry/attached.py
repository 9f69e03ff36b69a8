"""Keypoints that move along with the camera: burnt-in text, dirt on the lens, the robot itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aliked_ros.odometry.result import TrackedPairs
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Floats, Mask

_MIN_FLOW_PX = 3.0  # per image, of what agrees with the motion: else all stand still
_MAX_STEP_PX = 0.75  # per image, of what moves along
_OFF_PX = 1.5  # from where the motion allows it: what is farther contradicts
_RADIUS_PX = 1.5  # of a spot
_ENOUGH = 5.0  # images in which a spot contradicted the motion, until it is believed
_MOST = 20.0  # images that count
_KEPT = 0.9  # part of what was counted, after an image without it
_MAX_SHARE = 0.5  # of what agrees: where more stands still, it may be the world that does


class AttachedPoints:
    """Finds spots of the image whose keypoints stand still while the world moves past.

    Where little else is in sight, such keypoints would agree with each other that the camera
    rests. So they are noticed while the pose is well known, and left out from then on. Only pairs
    that contradict the motion at every depth count: what is far ahead stands still rightly.
    """

    def __init__(self) -> None:
        self._spots = np.zeros((0, 2))  # px in the raw image
        self._num_seen = np.zeros(0)  # images in which each contradicted the motion, fading

    def hide(self, view: View) -> tuple[View, int]:
        """Return a view whose attached keypoints have no place, and how many these are."""
        spots = self._spots[self._num_seen >= _ENOUGH]
        if len(spots) == 0:
            return view, 0
        is_attached = (_distances_px(view.keypoints, spots) < _RADIUS_PX).any(axis=1)
        if not is_attached.any():
            return view, 0
        pixels, xy = view.pixels.copy(), view.xy.copy()
        inverse_depth = view.inverse_depth.copy()
        for values in (pixels, xy, inverse_depth):
            values[is_attached] = np.nan
        depth_sigma = np.where(is_attached, np.inf, view.depth_sigma)
        hidden = replace(
            view, pixels=pixels, xy=xy, inverse_depth=inverse_depth, depth_sigma=depth_sigma
        )
        return hidden, int(is_attached.sum())

    def observe(self, pairs: TrackedPairs, off_px: Array) -> None:
        """Take note of the pairs of an image whose pose, like the one before, was measured.

        Args:
            pairs: K of them.
            off_px: (K,) how far each is from where the motion allows it; NaN for what is hidden.
        """
        step_px = np.linalg.norm(pairs.keypoints_current - pairs.keypoints_previous, axis=1)
        agrees = off_px < _OFF_PX
        if not agrees.any() or np.median(step_px[agrees]) < _MIN_FLOW_PX:
            return
        stands: Mask = ~agrees & (step_px < _MAX_STEP_PX)
        if stands.sum() > _MAX_SHARE * agrees.sum():
            return
        seen = pairs.keypoints_current[stands]
        near = _distances_px(seen, self._spots) < _RADIUS_PX
        is_seen = near.any(axis=0)
        counts = np.where(is_seen, np.minimum(self._num_seen + 1, _MOST), _KEPT * self._num_seen)
        new = seen[~near.any(axis=1)]
        is_kept = counts > 0.5
        self._spots = np.concatenate([self._spots[is_kept], new])
        self._num_seen = np.concatenate([counts[is_kept], np.ones(len(new))])


def _distances_px(points: Floats | Array, spots: Array) -> Array:
    """Return the distances (N, S)."""
    distances: Array = np.linalg.norm(points[:, None, :] - spots[None, :, :], axis=2)
    return distances
