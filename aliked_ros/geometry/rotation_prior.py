"""A rotation of the camera that another sensor measured, and what contradicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.sightings import LARGEST, SMALLEST
from aliked_ros.structs import Array


@dataclass(frozen=True, eq=False)
class RotationPrior:
    """A rotation that another sensor measured.

    Attributes:
        R_camera_world: (3, 3).
        sigma_rad: standard deviation about any axis, rad; above 0.

    Raises:
        ValueError: if the rotation is not finite or the deviation not above 0.
    """

    R_camera_world: Array
    sigma_rad: float

    def __post_init__(self) -> None:
        if np.shape(self.R_camera_world) != (3, 3) or not np.isfinite(self.R_camera_world).all():
            raise ValueError(
                f"R_camera_world is {np.asarray(self.R_camera_world).tolist()}: "
                "give a rotation (3, 3) without NaN, or no prior"
            )
        if not SMALLEST < self.sigma_rad < LARGEST:
            raise ValueError(f"sigma_rad is {self.sigma_rad}: give a deviation above 0 rad")

    def is_contradicted(self, T_camera_world: Array, hessian: Array) -> bool:
        """Return whether a pose that was found without the prior rules it out.

        Args:
            T_camera_world: (4, 4) the pose.
            hessian: (6, 6) of its twist.
        """
        difference = se3.log_so3(self.R_camera_world @ T_camera_world[:3, :3].T)
        spread = np.linalg.pinv(hessian, hermitian=True)[3:, 3:] + self.sigma_rad**2 * np.eye(3)
        return bool(difference @ np.linalg.solve(spread, difference) > 5.0**2)
