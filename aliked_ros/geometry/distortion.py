"""Names of distortion models and how many values they have, for every reader of calibrations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aliked_ros.structs import Array

# What others call a model -> ROS's name. Case, blanks and hyphens do not matter.
ALIASES = {
    "": "none",
    "none": "none",
    "pinhole": "none",
    "perspective": "none",
    "plumb_bob": "plumb_bob",
    "radtan": "plumb_bob",
    "radial_tangential": "plumb_bob",
    "brown_conrady": "plumb_bob",
    "opencv": "plumb_bob",
    "plumbbob": "plumb_bob",
    "radialtangential": "plumb_bob",
    "brown": "plumb_bob",
    "rational_polynomial": "rational_polynomial",
    "rational": "rational_polynomial",
    "full_opencv": "rational_polynomial",
    "equidistant": "equidistant",
    "equi": "equidistant",
    "fisheye": "equidistant",
    "opencv_fisheye": "equidistant",
    "kannala_brandt": "equidistant",
    "kannala_brandt4": "equidistant",
    "kannala_brandt8": "equidistant",
    "kannalabrandt8": "equidistant",
    "kb4": "equidistant",
}
# Numbers of values that a model may have, the usual one first. OpenCV's polynomials are one family:
# what is not given is 0.
_NUM_VALUES = {
    "plumb_bob": (5, 4),
    "rational_polynomial": (8, 4, 5, 12, 14),
    "equidistant": (4,),
}


def standard_model(name: str) -> str:
    """Return ROS's name of a distortion model.

    Raises:
        ValueError: if it is not known.
    """
    model = ALIASES.get("_".join(name.strip().lower().replace("-", " ").split()))
    if model is None:
        known = sorted({*ALIASES.values()})
        raise ValueError(
            f"distortion_model is {name!r}: use one of {', '.join(known)}, or publish rectified "
            "images and set rectified_images to true"
        )
    return model


def standard_distortion(name: str, values: ArrayLike) -> tuple[str, Array]:
    """Return ROS's name of a model, and as many values as it has.

    Args:
        name: by ROS or another tool; any word if all values are 0, but for a fisheye lens.
        values: coefficients; zeros behind those of the model do not count.

    Raises:
        ValueError: if the model is not known, or has another number of values.
    """
    D = np.asarray(values, np.float64).ravel()
    if not np.isfinite(D).all():
        raise ValueError(f"distortion coefficients D are {D.tolist()}: give finite numbers")
    is_straight = not D.any()
    try:
        model = standard_model(name)
    except ValueError:
        if is_straight:
            return "none", np.zeros(0)
        raise
    if model != "equidistant" and is_straight:
        return "none", np.zeros(0)
    if model == "none":
        raise ValueError(
            f"distortion_model is {name!r} and D is {D.tolist()}: name the model of these values"
        )
    return model, _fitted(name, model, D)


def _fitted(name: str, model: str, D: Array) -> Array:
    """Return the values without zeros behind those of the model."""
    allowed = _NUM_VALUES[model]
    num_used = int(np.flatnonzero(D)[-1]) + 1 if D.any() else 0
    if len(D) in allowed:
        return D
    for num in sorted(allowed):
        if num_used <= num <= len(D):
            return D[:num]
    shown = name if name == model else f"{name} ({model})"
    raise ValueError(
        f"distortion_model {shown} needs {allowed[0]} values, D has {len(D)}{_hint(D)}"
    )


def _hint(D: Array) -> str:
    """Return which model has that many values, in brackets."""
    fitting = [model for model, numbers in _NUM_VALUES.items() if len(D) in numbers]
    return f" (as {' or '.join(fitting)} has)" if fitting else ""
