"""Points as one view measures them."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.structs import Array

MIN_DEPTH = 1e-3  # of what counts as in front: nearer, one derivative would outweigh all others
SMALLEST, LARGEST = 1e-12, 1e30  # what a number is refused beyond: squares must not overflow


@dataclass(frozen=True, eq=False)
class Sightings:
    """Points as one view measures them: direction and inverse depth.

    Attributes:
        xy: (N, 2) coordinates on the plane z = 1.
        inverse_depth: (N,) 1 / depth along the optical axis; NaN where it was not measured.
        depth_sigma: (N,) standard deviation of the inverse depth.
        spread: (N,) standard deviation of a coordinate over the common noise; None: 1.
    """

    xy: Array
    inverse_depth: Array
    depth_sigma: Array
    spread: Array | None = None
