"""The motion between two views, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.odometry.result import Motion
from aliked_ros.structs import Array, Mask


@dataclass(frozen=True, eq=False)
class EstimatedMotion:
    """The motion from a reference view 0 to the current view 1.

    Attributes:
        T_1_0: (4, 4) between the rectified cameras.
        covariance: (6, 6) of T_1_0: translation, then rotation, about the axes of view 1.
        inlier_mask: (K,) bool, pairs that support it.
        kind: none, rotation or general.
        parallax_deg: median angle between the rays of the inliers after removing the rotation.
        displacement_px: median distance that the inliers moved in the image.
    """

    T_1_0: Array
    covariance: Array
    inlier_mask: Mask
    kind: Motion
    parallax_deg: float
    displacement_px: float

    @property
    def relative_translation_sigma(self) -> float:
        """Standard deviation of the translation over its length; inf if there is none."""
        length = np.linalg.norm(self.T_1_0[:3, 3])
        deviation = np.sqrt(np.linalg.eigvalsh(self.covariance[:3, :3])[-1])
        return float(deviation / length) if length > 0 else np.inf
