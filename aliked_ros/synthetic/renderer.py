"""Textured rectangles -> image and exact depth, by casting a ray through every sub-pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import Array, Floats, Pixels
from aliked_ros.synthetic.face import MIP_LEVELS, Face

# Nothing nearer than this is drawn.
NEAR_M = 0.05
_PADDING = 2  # texels around each mip level, so that interpolation stays inside it
_SUPERSAMPLING = 2
_ATLAS_WIDTH = 8192


@dataclass(frozen=True, eq=False)
class _Hits:
    """What the ray through each pixel centre of a grid meets first.

    Attributes:
        inverse_depth: (H, W) 1/m; 0 where nothing is met.
        s_over_z, t_over_z: (H, W) 1/m, texture coordinates in [0, 1] over depth.
        face: (H, W) int16, which face; -1 where nothing is met.
    """

    inverse_depth: Floats
    s_over_z: Floats
    t_over_z: Floats
    face: NDArray[np.int16]


class Renderer:
    """Draws faces from any pose; a pixel is the mean of 2x2 rays, trilinear in the texture."""

    def __init__(self, faces: list[Face]) -> None:
        """Pack the textures of all faces with their mip levels into one atlas."""
        self._origins = np.array([face.origin for face in faces])
        self._u = np.array([face.u for face in faces])
        self._v = np.array([face.v for face in faces])
        self._atlas, self._corners = _pack(faces)
        self._sizes = np.array([face.texture.shape[1::-1] for face in faces], np.float32)
        lengths = np.linalg.norm(self._u, axis=1)
        self._texels_per_m = (self._sizes[:, 0] / lengths).astype(np.float32)

    def depth_m(self, T_world_camera: Array, K: Array, size: tuple[int, int]) -> Floats:
        """Return (H, W) float32 metres along the optical axis at pixel centres, NaN for none."""
        hits, _ = self._cast(T_world_camera, K, size)
        with np.errstate(divide="ignore"):
            depth_m = np.float32(1) / hits.inverse_depth
        depth_m[hits.face < 0] = np.nan
        return depth_m

    def image(self, T_world_camera: Array, K: Array, size: tuple[int, int]) -> Pixels:
        """Return the (H, W, 3) RGB image that a pinhole (3, 3) K sees, size = (H, W)."""
        n = _SUPERSAMPLING
        # Pixel centre u of the image is n * (u + 0.5) - 0.5 of the finer grid.
        K_fine = K.copy()
        K_fine[:2] *= n
        K_fine[:2, 2] += (n - 1) / 2
        hits, planes_m = self._cast(T_world_camera, K_fine, (size[0] * n, size[1] * n))
        fine = self._shade(hits, planes_m, K_fine)
        return cv2.resize(fine, size[::-1], interpolation=cv2.INTER_AREA)

    def _cast(self, T_world_camera: Array, K: Array, size: tuple[int, int]) -> tuple[_Hits, Array]:
        """Return the hits and each face's distance from the camera, m, positive if seen."""
        height, width = size
        hits = _Hits(
            np.zeros(size, np.float32),
            np.zeros(size, np.float32),
            np.zeros(size, np.float32),
            np.full(size, -1, np.int16),
        )
        R_camera_world = T_world_camera[:3, :3].T
        origins = (self._origins - T_world_camera[:3, 3]) @ R_camera_world.T
        us, vs = self._u @ R_camera_world.T, self._v @ R_camera_world.T
        normals = np.cross(us, vs)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        planes_m = np.sum(normals * origins, axis=1)
        x = (np.arange(width) - K[0, 2]) / K[0, 0]
        y = (np.arange(height) - K[1, 2]) / K[1, 1]
        for index in np.flatnonzero(planes_m > 1e-9):
            corners = origins[index] + np.array(
                [0 * us[index], us[index], us[index] + vs[index], vs[index]]
            )
            window = _window(corners, K, size)
            if window is None:
                continue
            # On the plane, 1/z, s/z and t/z are linear in the pixel: no division per ray.
            inverse = normals[index] / planes_m[index]
            s = _coordinate(us[index], origins[index], inverse)
            t = _coordinate(vs[index], origins[index], inverse)
            _draw(hits, window, int(index), (x, y), (inverse, s, t))
        return hits, planes_m

    def _shade(self, hits: _Hits, planes_m: Array, K: Array) -> Pixels:
        """Return (H, W, 3) colours of the hits."""
        face = np.maximum(hits.face, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth_m = np.float32(1) / hits.inverse_depth
        depth_m[hits.face < 0] = 1.0
        level = self._mip_level(face, depth_m, planes_m, K)
        size = self._sizes[face]
        corner = self._corners[face]
        s = hits.s_over_z * depth_m * size[:, :, 0]
        t = hits.t_over_z * depth_m * size[:, :, 1]
        whole: Floats = np.minimum(np.floor(level), np.float32(MIP_LEVELS - 2))
        near = self._sample(s, t, size, corner, whole)
        far = self._sample(s, t, size, corner, whole + 1)
        weight = level - whole
        colours = cv2.blendLinear(near, far, 1 - weight, weight)
        colours[hits.face < 0] = 0
        return colours

    def _mip_level(
        self, face: NDArray[np.int16], depth_m: Floats, planes_m: Array, K: Array
    ) -> Floats:
        """Return (H, W) in [0, MIP_LEVELS - 1]: log2 of the texels that one ray covers."""
        height, width = depth_m.shape
        x = (np.arange(width) - K[0, 2]) / K[0, 0]
        y = (np.arange(height) - K[1, 2]) / K[1, 1]
        length = np.sqrt((x**2)[None, :] + (y**2)[:, None] + 1).astype(np.float32)
        # Seen at a slant, a ray's footprint is stretched by 1/cos; three quarters of that (in the
        # exponent) blurs the floor a little and leaves a little aliasing to the 2x2 rays.
        slant = depth_m * length / np.abs(planes_m).astype(np.float32)[face]
        texels = self._texels_per_m[face] * depth_m / np.float32(K[0, 0])
        level = np.log2(texels) + np.float32(0.75) * np.log2(slant)
        return np.clip(level, 0, MIP_LEVELS - 1)

    def _sample(self, s: Floats, t: Floats, size: Floats, corner: Floats, level: Floats) -> Pixels:
        """Return (H, W, 3) bilinear colours of whole mip levels."""
        scale = np.exp2(-level)
        # Levels lie side by side: 1 + 1/2 + ... widths, each with padding on both sides.
        x = corner[:, :, 0] + 2 * size[:, :, 0] * (1 - scale) + 2 * _PADDING * level + s * scale
        y = corner[:, :, 1] + t * scale
        return cv2.remap(self._atlas, x, y, cv2.INTER_LINEAR)


def _coordinate(edge: Array, origin: Array, inverse: Array) -> Array:
    """Return (3,) whose product with the ray (x, y, 1) is a texture coordinate over depth."""
    axis = edge / (edge @ edge)
    coordinate: Array = axis - (axis @ origin) * inverse
    return coordinate


def _window(corners: Array, K: Array, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Return rows and columns that a face can cover, or None if it is out of sight."""
    seen = _clipped(corners)
    if len(seen) == 0:
        return None
    pixels = seen[:, :2] / seen[:, 2:] * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]
    low = np.clip(np.floor(pixels.min(axis=0)), 0, [size[1], size[0]]).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, [size[1], size[0]]).astype(int)
    if np.any(high <= low):
        return None
    return slice(low[1], high[1]), slice(low[0], high[0])


def _clipped(corners: Array) -> Array:
    """Return the corners (M, 3) of a convex polygon's part beyond the near plane."""
    following = np.roll(corners, -1, axis=0)
    kept = [corners[corners[:, 2] >= NEAR_M]]
    crossing = (corners[:, 2] < NEAR_M) != (following[:, 2] < NEAR_M)
    start, end = corners[crossing], following[crossing]
    share = (NEAR_M - start[:, 2:]) / (end[:, 2:] - start[:, 2:])
    kept.append(start + share * (end - start))
    return np.concatenate(kept)


def _draw(
    hits: _Hits,
    window: tuple[slice, slice],
    index: int,
    rays: tuple[Array, Array],
    forms: tuple[Array, Array, Array],
) -> None:
    """Write a face into the hits where it is the nearest so far."""
    rows, columns = window
    x, y = rays[0][columns], rays[1][rows]
    inverse, s, t = (
        (form[0] * x + form[2]).astype(np.float32)[None, :]
        + (form[1] * y).astype(np.float32)[:, None]
        for form in forms
    )
    held = hits.inverse_depth[window]
    nearer = (inverse > held) & (inverse < 1 / NEAR_M)
    nearer &= (s >= 0) & (s <= inverse) & (t >= 0) & (t <= inverse)
    np.copyto(held, inverse, where=nearer)
    np.copyto(hits.s_over_z[window], s, where=nearer)
    np.copyto(hits.t_over_z[window], t, where=nearer)
    hits.face[window][nearer] = index


def _pack(faces: list[Face]) -> tuple[Pixels, Floats]:
    """Return the atlas (H, W, 3) and where texel coordinate 0 of each face lies in it, (M, 2)."""
    order = sorted(range(len(faces)), key=lambda i: -faces[i].texture.shape[0])
    corners = np.zeros((len(faces), 2), np.float32)
    places: list[tuple[int, int, int]] = []
    x = y = shelf = 0
    for i in order:
        height, width = faces[i].texture.shape[:2]
        needed = 2 * width + 2 * _PADDING * MIP_LEVELS
        if x + needed > _ATLAS_WIDTH:
            x, y, shelf = 0, y + shelf, 0
        places.append((i, x, y))
        # Texel centres are at half coordinates; the atlas counts pixels from their centres.
        corners[i] = x + _PADDING - 0.5, y + _PADDING - 0.5
        x += needed
        shelf = max(shelf, height + 2 * _PADDING)
    atlas = np.zeros((y + shelf, _ATLAS_WIDTH, 3), np.uint8)
    for i, left, top in places:
        _place(atlas, faces[i].texture, left, top)
    return atlas, corners


def _place(atlas: Pixels, texture: Pixels, left: int, top: int) -> None:
    """Copy a texture and its mip levels into the atlas, side by side."""
    for level in range(MIP_LEVELS):
        height, width = texture.shape[0] >> level, texture.shape[1] >> level
        small = cv2.resize(texture, (width, height), interpolation=cv2.INTER_AREA)
        padded = cv2.copyMakeBorder(
            small, _PADDING, _PADDING, _PADDING, _PADDING, cv2.BORDER_REPLICATE
        )
        atlas[top : top + padded.shape[0], left : left + padded.shape[1]] = padded
        left += padded.shape[1]
