"""The walk through the room: a smooth closed orbit of a hand-held camera."""

from __future__ import annotations

import numpy as np

from aliked_ros.structs import Array

LAP_S = 20.0
_CENTRE_M = np.array([3.0, 2.5, 1.4])
_RADII_M = np.array([1.3, 1.0])


def pose_at(time_s: float, start: float = 0.0) -> Array:
    """Return (4, 4) T_world_camera after some time; one lap takes LAP_S and closes exactly.

    Args:
        time_s: time since the start.
        start: where on the lap it starts, a fraction of it.
    """
    lap = 2 * np.pi * (time_s / LAP_S + start)
    height = 0.12 * np.sin(2 * lap + 0.5) + 0.03 * np.sin(9 * lap)
    offset = np.array([_RADII_M[0] * np.cos(lap), _RADII_M[1] * np.sin(lap), height])
    # Facing across the room, a little ahead of the motion, like a person who looks around.
    yaw = lap + np.pi + np.radians(28 + 14 * np.sin(2 * lap) + 1.5 * np.sin(11 * lap))
    pitch = np.radians(-11 + 5 * np.sin(3 * lap) + 1.0 * np.sin(13 * lap))
    roll = np.radians(2.5 * np.sin(2 * lap + 1) + 0.8 * np.sin(7 * lap))
    T_world_camera = np.eye(4)
    T_world_camera[:3, :3] = _facing(yaw, pitch, roll)
    T_world_camera[:3, 3] = _CENTRE_M + offset
    return T_world_camera


def _facing(yaw: float, pitch: float, roll: float) -> Array:
    """Return (3, 3) R_world_camera, optical axes, in a world whose z points up; angles in rad."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    level = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    down = np.cross(forward, level)
    right = np.cos(roll) * level + np.sin(roll) * down
    return np.column_stack([right, np.cross(forward, right), forward])
