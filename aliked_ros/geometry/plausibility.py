"""What is strange about a calibration that could be one, with what to check."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.calibration import degenerate_share
from aliked_ros.geometry.camera import baseline_m
from aliked_ros.structs import Array, Camera

_ODD_SHARE = 0.1  # of the image in which the distortion cannot be inverted
_USUAL_BASELINE_M = (0.005, 5.0)  # endoscopes to cars


def implausible(camera: Camera) -> list[str]:
    """Return what is strange about a calibration, one sentence each, with what to check."""
    strange = []
    for name, matrix in (("K", camera.K), ("P", camera.K_rectified)):
        cx, cy = matrix[0, 2], matrix[1, 2]
        if not (0 <= cx < camera.width and 0 <= cy < camera.height):
            strange.append(
                f"the principal point of {name} is ({cx:.1f}, {cy:.1f}), outside the image of "
                f"{camera.width}x{camera.height}: check that the calibration is of this resolution"
            )
            break
    ratio = camera.K_rectified[0, 0] / camera.K[0, 0]
    # Undistorting keeps the centre of the image where it is; another resolution does not.
    is_scaled = abs(camera.K_rectified[0, 2] / max(camera.K[0, 2], 1.0) - ratio) < 0.15
    if is_scaled and not 0.75 < ratio < 1.33:
        strange.append(
            f"the focal length of P is {ratio:.2f} times that of K: check that both are of this "
            "resolution"
        )
    aspect = camera.K[1, 1] / camera.K[0, 0]
    if not 0.8 < aspect < 1.25:
        strange.append(
            f"K has focal lengths of {camera.K[0, 0]:.1f} and {camera.K[1, 1]:.1f} px: check that "
            "its pixels are not square"
        )
    of_width = camera.K[0, 0] / camera.width
    if not 0.15 < of_width < 20:
        strange.append(
            f"the focal length is {of_width:.2f} times the width of the image: check that it is "
            "in pixels of this resolution"
        )
    share = degenerate_share(camera)
    if share > _ODD_SHARE:
        strange.append(
            f"the distortion cannot be inverted in {share:.0%} of the image, where keypoints are "
            f"not used: check D, which is {np.round(camera.D, 6).tolist()}"
        )
    return strange


def implausible_pair(
    right: Camera, left: Camera | None, T_left_right: Array | None = None
) -> list[str]:
    """Return what is strange about the distance of a pair's cameras, with what to check.

    Args:
        right: the right camera; with its P where there is no T_left_right.
        left: the left one, likewise.
        T_left_right: (4, 4) metres, of a pair that is not rectified.
    """
    if T_left_right is not None:
        distance_m = float(np.linalg.norm(T_left_right[:3, 3]))
    else:
        try:
            distance_m = baseline_m(right, left)
        except ValueError:
            return []  # it is said where the pair is used
    if _USUAL_BASELINE_M[0] <= distance_m <= _USUAL_BASELINE_M[1]:
        return []
    how = "P[3] is -fx times it" if T_left_right is None else "the transform between them tells it"
    return [
        f"the cameras of the pair are {distance_m:.6g} m apart ({how}): check that it is in metres"
    ]
