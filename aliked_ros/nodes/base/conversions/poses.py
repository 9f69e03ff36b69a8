"""geometry_msgs: poses and transforms <-> T_a_b."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, Vector3

from aliked_ros.geometry.quaternions import to_quaternions, to_rotations
from aliked_ros.structs import Array

_UNIT_TOLERANCE = 1e-2  # of the length of a quaternion


def pose_to_message(T_a_b: Array) -> Pose:
    """Return the pose of frame b in frame a; T_a_b is (4, 4), metres."""
    x, y, z, w = to_quaternions(T_a_b[:3, :3]).tolist()
    position = Point(x=float(T_a_b[0, 3]), y=float(T_a_b[1, 3]), z=float(T_a_b[2, 3]))
    return Pose(position=position, orientation=Quaternion(x=x, y=y, z=z, w=w))


def transform_to_message(T_a_b: Array) -> Transform:
    """Return the transform from frame b to frame a; T_a_b is (4, 4), metres."""
    pose = pose_to_message(T_a_b)
    point = pose.position
    return Transform(
        translation=Vector3(x=point.x, y=point.y, z=point.z), rotation=pose.orientation
    )


def transform_from_message(message: Transform) -> Array:
    """Return (4, 4) T_a_b of a transform from frame b to frame a, metres."""
    q, t = message.rotation, message.translation
    return transform_from_values([t.x, t.y, t.z, q.x, q.y, q.z, q.w])


def transform_from_pose(message: Pose) -> Array:
    """Return (4, 4) T_a_b of the pose of frame b in frame a, metres."""
    p, q = message.position, message.orientation
    return transform_from_values([p.x, p.y, p.z, q.x, q.y, q.z, q.w])


def transform_from_values(values: list[float]) -> Array:
    """Return (4, 4) T_a_b of x, y, z (m) and the quaternion x, y, z, w.

    Raises:
        ValueError: if the numbers are not finite or the quaternion is not of unit length.
    """
    length = float(np.linalg.norm(values[3:]))
    if not np.isfinite(values).all() or abs(length - 1) > _UNIT_TOLERANCE:
        raise ValueError(
            f"pose is {[float(f'{value:.6g}') for value in values]} (x y z qx qy qz qw): give "
            "finite numbers and a unit quaternion"
        )
    T_a_b = np.eye(4)
    T_a_b[:3, :3] = to_rotations(np.array(values[3:]))
    T_a_b[:3, 3] = values[:3]
    return T_a_b
