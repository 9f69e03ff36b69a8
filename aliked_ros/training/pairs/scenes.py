"""Photographs on planes in space -> pairs of views from far apart, with exact depth.

A single plane has no parallax and hides nothing. Here a wall, a floor and some boards stand before
two cameras that look at the same point from different sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array, Floats, Pixels
from aliked_ros.training.pairs.depth import DepthPairOptions, DepthView, draw_usable
from aliked_ros.training.pairs.pair import TrainingPair
from aliked_ros.training.pairs.photographs import Photographs

_VIEW = 1.3  # side of a view before a part is cut out, of the side of a training image
_FOCAL = (0.8, 1.4)  # focal length of a view, of its side
_NUM_BOARDS = (3, 9)
_BASELINE = (0.1, 0.8)  # of the wall's distance
_MAX_ROLL_DEG = 20.0
_NEAR = 0.05  # a board that comes nearer is looked for in the whole image
_SHRINK = 1.2  # textures that shrink more are smoothed first


@dataclass(frozen=True, eq=False)
class Board:
    """A photograph in space; distances in units of the wall's.

    Attributes:
        texture: (H, W, 3) RGB.
        origin: (3,) where its first pixel is.
        axes: (2, 3) unit vectors along its rows and columns.
        pixel: side of a pixel of the texture.
        is_endless: the photograph goes on, mirrored, beyond its borders.
    """

    texture: Pixels
    origin: Array
    axes: Array
    pixel: float
    is_endless: bool


class ScenePairs:
    """Draws two views of a scene that is new each time.

    Args:
        photographs: what the planes show.
        options: how two views become a pair; depth is in units of the wall's distance.
    """

    def __init__(self, photographs: Photographs, options: DepthPairOptions) -> None:
        self._photographs = photographs
        self._options = options

    def draw(self, generator: np.random.Generator) -> TrainingPair:
        """Return a pair.

        Raises:
            ValueError: if photographs cannot be read.
        """
        return draw_usable(self._draw_views, self._options, generator, "planes of photographs")

    def _draw_views(self, generator: np.random.Generator) -> tuple[DepthView, DepthView]:
        boards = self._draw_boards(generator)
        side = round(self._options.size_px * _VIEW)
        target = np.array([*generator.uniform(-0.3, 0.3, 2), generator.uniform(0.6, 1.0)])
        angle = generator.uniform(0, 2 * np.pi)
        # Mostly sideways, as a camera is carried.
        direction = np.array([np.cos(angle), 0.5 * np.sin(angle), generator.uniform(-0.5, 0.5)])
        offset = generator.uniform(*_BASELINE) * direction / np.linalg.norm(direction)
        focal = generator.uniform(*_FOCAL) * side
        centre = (side - 1) / 2
        K = np.array([[focal, 0, centre], [0, focal, centre], [0, 0, 1]])
        views = []
        for position in (-offset / 2, offset / 2):
            T_camera_world = _looking_at(position, target, generator)
            image, depth = render(boards, K, T_camera_world, side)
            views.append(DepthView(image, depth, K, T_camera_world))
        return views[0], views[1]

    def _draw_boards(self, generator: np.random.Generator) -> list[Board]:
        floor = generator.uniform(0.25, 0.8)
        wall = self._draw_board(generator, np.array([0, 0, 1.0]), 40, 2.5, is_endless=True)
        boards = [wall]
        if generator.uniform() < 0.7:
            axes = _turned(np.array([[1.0, 0, 0], [0, 0, 1.0]]), 1, generator.uniform(-180, 180))
            texture, _ = self._photographs.draw(generator)
            origin = np.array([0, floor, 0.7])
            pixel = generator.uniform(0.8, 2.0) / max(texture.shape[:2])
            boards.append(Board(texture, origin, axes, pixel, is_endless=True))
        for _ in range(int(generator.integers(*_NUM_BOARDS, endpoint=True))):
            depth = generator.uniform(0.4, 1.0)
            place = depth * np.array([*generator.uniform(-0.6, 0.6, 2), 1.0])
            boards.append(
                self._draw_board(generator, place, 60, generator.uniform(0.15, 0.6) * depth)
            )
        return boards

    def _draw_board(
        self,
        generator: np.random.Generator,
        middle: Array,
        max_slant_deg: float,
        size: float,
        *,
        is_endless: bool = False,
    ) -> Board:
        texture, _ = self._photographs.draw(generator)
        axes = np.array([[1.0, 0, 0], [0, 1.0, 0]])
        for axis, limit in ((2, 30.0), (0, max_slant_deg), (1, max_slant_deg)):
            axes = _turned(axes, axis, generator.uniform(-limit, limit))
        pixel = size / max(texture.shape[:2])
        corner = np.array([texture.shape[1], texture.shape[0]]) * pixel / 2
        return Board(texture, middle - corner @ axes, axes, pixel, is_endless)


def render(
    boards: list[Board], K: Array, T_camera_world: Array, side: int
) -> tuple[Pixels, Floats]:
    """Return what a camera sees of some boards.

    Args:
        boards: in world coordinates.
        K: (3, 3) pinhole intrinsics, px.
        T_camera_world: (4, 4).
        side: of the square image, px.

    Returns:
        image (side, side, 3), black where nothing is; depth (side, side) float32, 0 there.
    """
    T_world_camera = se3.inverse(T_camera_world)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    pixels = np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32)
    rays = pixels @ (T_world_camera[:3, :3] @ np.linalg.inv(K)).T.astype(np.float32)
    position = T_world_camera[:3, 3]
    image = np.zeros((side, side, 3), np.uint8)
    nearest = np.full((side, side), np.inf, np.float32)
    for board in boards:
        part = _extent(board, K, T_camera_world, side)
        depth, on_texture = _hit(board, rays[part], position)
        height, width = board.texture.shape[:2]
        is_seen = (depth > 0) & (depth < nearest[part])
        if not board.is_endless:
            last = np.array([width - 1, height - 1], np.float32)
            is_seen &= ((on_texture >= 0) & (on_texture <= last)).all(axis=-1)
        if not is_seen.any():
            continue
        texture = _smoothed(board, float(np.median(depth[is_seen])), K[0, 0])
        seen = cv2.remap(
            texture, on_texture, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        image[part][is_seen] = seen[is_seen]
        nearest[part][is_seen] = depth[is_seen]
    return image, np.where(np.isfinite(nearest), nearest, np.float32(0))


def _extent(board: Board, K: Array, T_camera_world: Array, side: int) -> tuple[slice, slice]:
    """Return the rows and columns of the image outside of which a board is not seen."""
    whole = slice(0, side)
    height, width = board.texture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) * board.pixel
    points = (board.origin + corners @ board.axes) @ T_camera_world[:3, :3].T + T_camera_world[
        :3, 3
    ]
    if board.is_endless or points[:, 2].min() < _NEAR:
        return whole, whole
    pixels = (points / points[:, 2:]) @ K[:2].T
    low = np.clip(np.floor(pixels.min(axis=0)), 0, side - 1).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)) + 1, low + 1, side).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _hit(board: Board, rays: Floats, position: Array) -> tuple[Floats, Floats]:
    """Return the depth (H, W) of a board's plane, at most 0 behind, and (H, W, 2) texture px."""
    normal = np.cross(*board.axes)
    slope = rays @ normal.astype(np.float32)
    slope = np.where(np.abs(slope) < 1e-6, np.float32(1e-6), slope)
    depth = np.float32(normal @ (board.origin - position)) / slope
    # Far beyond everything a texture's pixels are too many to be counted in float32.
    depth = np.where(depth > 20, np.float32(0), depth)
    to_texture = (board.axes / board.pixel).astype(np.float32)
    start = to_texture @ (position - board.origin).astype(np.float32)
    return depth, depth[..., None] * (rays @ to_texture.T) + start


def _smoothed(board: Board, depth: float, focal: float) -> Pixels:
    reduction = depth / focal / board.pixel  # texture px per image px, seen straight on
    if reduction <= _SHRINK:
        return board.texture
    return cv2.GaussianBlur(board.texture, (0, 0), 0.4 * reduction).astype(np.uint8)


def _looking_at(position: Array, target: Array, generator: np.random.Generator) -> Array:
    """Return T_camera_world of a camera that looks at nearly a point, upright but for some roll."""
    forward = target - position + generator.uniform(-0.1, 0.1, 3)
    forward = forward / np.linalg.norm(forward)
    right = np.cross([0, 1.0, 0], forward)
    right = right / np.linalg.norm(right)
    upright = np.stack([right, np.cross(forward, right)])
    roll = np.radians(generator.uniform(-_MAX_ROLL_DEG, _MAX_ROLL_DEG))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    T = np.eye(4)
    T[:3, :3] = np.vstack([turn @ upright, forward])
    T[:3, 3] = -T[:3, :3] @ position
    return T


def _turned(axes: Array, axis: int, angle_deg: float) -> Array:
    """Turn vectors (N, 3) about a coordinate axis."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turned = axes.copy()
    turned[:, i] = cos * axes[:, i] - sin * axes[:, j]
    turned[:, j] = sin * axes[:, i] + cos * axes[:, j]
    return turned
