"""The room as textured rectangles: walls, floor, ceiling and boxes of furniture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from aliked_ros.structs import Array, Pixels
from aliked_ros.synthetic import canvas, objects, surfaces
from aliked_ros.synthetic.canvas import Painter, Random
from aliked_ros.synthetic.face import MIP_LEVELS, Face
from aliked_ros.synthetic.wood import crate, planks

ROOM_M = (6.0, 5.0, 2.7)


@dataclass(frozen=True)
class Box:
    """A piece of furniture that stands upright.

    Attributes:
        centre: (3,) world, m.
        size: (length, depth, height), m.
        yaw_deg: turn about the vertical; at 0 the front looks along -y.
        front: paints the front, back included.
        body: paints the other sides.
    """

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw_deg: float
    front: Painter
    body: Painter


def build_room(seed: int, texels_per_m: float) -> list[Face]:
    """Return the faces of the furnished room that a seed stands for."""
    random = np.random.default_rng(seed)
    furniture = _furniture(random)
    faces = _shell(random, texels_per_m, furniture)
    for box in furniture:
        faces += _box_faces(box, texels_per_m, random)
    return faces


def _shell(random: Random, texels_per_m: float, furniture: list[Box]) -> list[Face]:
    """Return floor, ceiling and the four walls, seen from inside."""
    x, y, z = ROOM_M
    ex, ey, ez = np.eye(3)
    walls: list[tuple[Array, Array, Array, Painter]] = [
        (np.array([0, y, z]), x * ex, -z * ez, surfaces.bricks),
        (np.array([x, y, z]), -y * ey, -z * ez, surfaces.plaster(canvas.WARM_WHITE)),
        (
            np.array([x, 0, z]),
            -x * ex,
            -z * ez,
            planks((196, 176, 150), 0.14, upright=True),
        ),
        (np.array([0, 0, z]), y * ey, -z * ez, surfaces.plaster(canvas.TEAL)),
    ]
    faces = [
        Face(origin, u, v, _lit(_paint(painter, u, v, texels_per_m, random), u, v, corner_m=0.5))
        for origin, u, v, painter in walls
    ]
    floor = _paint(planks(canvas.OAK, 0.16), x * ex, y * ey, texels_per_m, random)
    floor = _contact_shadows(floor, furniture, texels_per_m)
    faces.append(Face(np.array([0, y, 0.0]), x * ex, -y * ey, _lit(floor, x * ex, -y * ey, 0.4)))
    ceiling = _paint(surfaces.plaster((232, 228, 220), 3.0), x * ex, y * ey, texels_per_m, random)
    faces.append(Face(np.array([0, 0, z]), x * ex, y * ey, _lit(ceiling, x * ex, y * ey, 0.5)))
    return faces


def _furniture(random: Random) -> list[Box]:
    """Return the furniture, its places and sizes varied by the seed."""
    x, y, z = ROOM_M
    wood, dark = planks(canvas.WALNUT, 0.12), planks((96, 66, 46), 0.1)

    def about(value: float, spread: float = 0.12) -> float:
        return value + float(random.uniform(-spread, spread))

    boxes = [
        Box((about(1.1), y - 0.17, 1.0), (1.3, 0.34, 2.0), 0, objects.books, wood),
        Box((x - 0.17, about(1.2), 0.9), (1.5, 0.34, 1.8), -90, objects.books, wood),
        Box((about(3.9), y - 0.24, 0.42), (1.5, 0.48, 0.84), 0, objects.drawers, wood),
        Box((0.55, about(2.6), 0.22), (1.9, 0.9, 0.44), 90, *_pair(canvas.MUSTARD)),
        Box((0.2, about(2.6), 0.5), (1.9, 0.25, 0.5), 90, *_pair(canvas.MUSTARD)),
        Box(
            (about(3.1, 0.3), about(2.4, 0.2), 0.006),
            (2.3, 1.6, 0.012),
            about(0, 12),
            surfaces.rug,
            surfaces.rug,
        ),
        Box((about(4.6), 0.35, 0.3), (0.6, 0.6, 0.6), about(15, 12), crate, crate),
        Box(
            (about(5.3), about(0.45, 0.05), 0.25),
            (0.5, 0.5, 0.5),
            about(-20, 14),
            crate,
            crate,
        ),
        Box((about(4.65), 0.35, 0.8), (0.4, 0.4, 0.4), about(40, 20), crate, crate),
        Box((about(1.5), 0.25, 0.45), (1.2, 0.5, 0.9), 180, objects.drawers, wood),
    ]
    boxes += _table((about(3.1, 0.2), about(2.4, 0.15)), about(0, 15), dark)
    for along in np.linspace(0.9, x - 0.9, 4):
        boxes.append(Box((along, y / 2, z - 0.08), (0.16, y, 0.16), 0, wood, wood))
    return boxes + _pictures(random)


def _pair(colour: tuple[int, int, int]) -> tuple[Painter, Painter]:
    return surfaces.fabric(colour), surfaces.fabric(colour)


def _table(place: tuple[float, float], yaw_deg: float, wood: Painter) -> list[Box]:
    """Return a low table with things on it."""
    (x, y), top = place, 0.46
    turn = np.radians(yaw_deg)
    R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    boxes = [Box((x, y, top - 0.02), (1.1, 0.65, 0.04), yaw_deg, wood, wood)]
    for corner in ((-0.5, -0.28), (0.5, -0.28), (-0.5, 0.28), (0.5, 0.28)):
        dx, dy = R @ corner
        boxes.append(
            Box((x + dx, y + dy, top / 2 - 0.02), (0.06, 0.06, top - 0.04), yaw_deg, wood, wood)
        )
    things = (
        # offset on the table, size, height above it
        ((-0.30, 0.05), (0.30, 0.22, 0.05), 0.0),
        ((-0.28, 0.06), (0.25, 0.19, 0.04), 0.05),
        ((0.25, -0.08), (0.16, 0.16, 0.20), 0.0),
    )
    for offset, size, lift in things:
        dx, dy = R @ offset
        centre = (x + dx, y + dy, top + lift + size[2] / 2)
        boxes.append(Box(centre, size, yaw_deg + 300 * lift, objects.poster, objects.poster))
    return boxes


def _pictures(random: Random) -> list[Box]:
    """Return framed prints and windows, standing off the walls by their frames."""
    x, y, _ = ROOM_M
    frame = planks(canvas.CHARCOAL, 0.05)
    places: list[tuple[float, float, float, float]] = [
        # wall yaw, distance along the wall, width, height
        (0.0, 2.3, 0.6, 0.8),
        (0.0, 3.3, 0.9, 0.65),
        (0.0, 4.3, 0.55, 0.75),
        (0.0, 5.2, 0.75, 1.0),
        (-90.0, 2.45, 0.7, 0.9),
        (-90.0, 4.45, 0.8, 0.6),
        (180.0, 0.7, 0.5, 0.7),
        (180.0, 3.45, 1.1, 0.8),
        (180.0, 4.5, 0.6, 0.8),
        (180.0, 5.4, 0.45, 0.6),
        (90.0, 0.7, 0.6, 0.8),
        (90.0, 1.8, 0.9, 0.7),
        (90.0, 3.1, 0.6, 0.85),
        (90.0, 4.2, 0.8, 0.8),
    ]
    boxes = []
    for yaw_deg, along, width, height in places:
        height_m = float(random.uniform(1.5, 1.72))
        place = along + float(random.uniform(-0.06, 0.06))
        centre = {
            0.0: (place, y - 0.02),
            -90.0: (x - 0.02, place),
            180.0: (place, 0.02),
            90.0: (0.02, place),
        }[yaw_deg]
        boxes.append(
            Box((*centre, height_m), (width, 0.04, height), yaw_deg, objects.poster, frame)
        )
    for yaw_deg, centre in ((-90.0, (x - 0.03, 3.45)), (180.0, (2.2, 0.03))):
        boxes.append(Box((*centre, 1.6), (0.85, 0.06, 1.1), yaw_deg, objects.window, frame))
    return boxes


def _box_faces(box: Box, texels_per_m: float, random: Random) -> list[Face]:
    """Return the six sides of a box, seen from outside."""
    length, depth, height = box.size
    turn = np.radians(box.yaw_deg)
    ex = np.array([np.cos(turn), np.sin(turn), 0.0])
    ey = np.array([-np.sin(turn), np.cos(turn), 0.0])
    ez = np.array([0.0, 0.0, 1.0])
    sides = [
        (ex * length, -ez * height, -ey * depth / 2, box.front),
        (-ex * length, -ez * height, ey * depth / 2, box.front),
        (ey * depth, -ez * height, ex * length / 2, box.body),
        (-ey * depth, -ez * height, -ex * length / 2, box.body),
        (ex * length, -ey * depth, ez * height / 2, box.front if height < 0.03 else box.body),
        (ex * length, ey * depth, -ez * height / 2, box.body),
    ]
    faces = []
    for u, v, out, painter in sides:
        origin = np.array(box.centre) + out - u / 2 - v / 2
        texture = _lit(_paint(painter, u, v, texels_per_m, random), u, v, corner_m=0.0)
        faces.append(Face(origin, u, v, texture))
    return faces


def _paint(painter: Painter, u: Array, v: Array, texels_per_m: float, random: Random) -> Pixels:
    """Return a texture of the face's size, rounded so that every mip level halves exactly."""
    unit = 2 ** (MIP_LEVELS - 1)
    length = [int(np.ceil(np.linalg.norm(edge) * texels_per_m / unit)) * unit for edge in (v, u)]
    return painter((length[0], length[1]), texels_per_m, random)


def _lit(texture: Pixels, u: Array, v: Array, corner_m: float) -> Pixels:
    """Return the texture under the room's light: by direction, darker towards corners."""
    normal = -np.cross(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))
    light = 0.80 + 0.20 * float(normal @ np.array([-0.42, -0.30, 0.86]))
    height, width = texture.shape[:2]
    shade = np.full((height, width), light, np.float32)
    if corner_m > 0:
        rows = (np.arange(height) + 0.5) / height * float(np.linalg.norm(v))
        columns = (np.arange(width) + 0.5) / width * float(np.linalg.norm(u))
        for axis, metres in ((0, rows), (1, columns)):
            edge = np.minimum(metres, metres[::-1])
            fade = (1 - 0.28 * np.exp(-edge / corner_m)).astype(np.float32)
            shade *= np.expand_dims(fade, 1 - axis)
    return canvas.clipped(texture * shade[:, :, None])


def _contact_shadows(floor: Pixels, furniture: list[Box], texels_per_m: float) -> Pixels:
    """Return the floor with soft shadows under the furniture; texture row 0 is the far wall."""
    height, width = floor.shape[:2]
    scale = np.array([width / ROOM_M[0], -height / ROOM_M[1]])
    shadow = np.ones((height, width), np.float32)
    for box in furniture:
        if box.centre[2] - box.size[2] / 2 > 0.6 or box.size[2] < 0.03:
            continue
        turn = np.radians(box.yaw_deg)
        R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (np.array(box.size[:2]) / 2 + 0.04)
        corners = (half @ R.T + box.centre[:2]) * scale + [0, height]
        cv2.fillConvexPoly(shadow, corners.astype(np.int32), 0.55, cv2.LINE_AA)
    blur = int(0.06 * texels_per_m) * 2 + 1
    shadow = cv2.GaussianBlur(shadow, (blur, blur), 0)
    return canvas.clipped(floor * shadow[:, :, None])
