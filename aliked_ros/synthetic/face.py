"""A textured rectangle: what a scene is made of and a renderer draws."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.structs import Array, Pixels

MIP_LEVELS = 6  # the texture, and half its size again and again


@dataclass(frozen=True, eq=False)
class Face:
    """A rectangle that is seen from the side its normal u x v points away from.

    Attributes:
        origin: (3,) world, m; where the texture's top-left corner lies.
        u: (3,) world, m; the edge along the texture's rows.
        v: (3,) world, m; the edge down the texture's columns, at right angles to u.
        texture: (H, W, 3) uint8 RGB, H and W multiples of 2 ** (MIP_LEVELS - 1).
    """

    origin: Array
    u: Array
    v: Array
    texture: Pixels
