"""Messages <-> arrays, both directions, nothing else."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import torch
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, Vector3
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from aliked_ros import structs
from aliked_ros.images import (
    decode_compressed,
    decode_depth,
    decode_image,
    message_fields,
)
from aliked_ros.msg import Features
from aliked_ros.structs import AnyArray, Array, Floats, Pixels

_DESCRIPTOR_TYPES = {
    "float32": Features.FLOAT32,
    "float16": Features.FLOAT16,
    "int8": Features.INT8,
}
_DESCRIPTOR_DTYPES: dict[int, np.dtype[Any]] = {
    Features.FLOAT32: np.dtype("<f4"),
    Features.FLOAT16: np.dtype("<f2"),
    Features.INT8: np.dtype("i1"),
}


def stamp_to_ns(stamp: Time) -> int:
    """Return nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return the message of a time in nanoseconds, which must not be negative."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanoseconds)


def flat(typecode: str, values: Any) -> array:
    """Return a contiguous ndarray or CPU tensor as the flat array that rclpy copies at once.

    Assigning an ndarray or a list to a message field costs a Python loop over its elements.
    """
    result = array(typecode)
    if len(values):
        contiguous: Any = np.ascontiguousarray(values)  # numpy 1.26's types know no buffers
        result.frombytes(memoryview(contiguous).cast("B"))
    return result


def image_from_message(message: Image | CompressedImage) -> Pixels:
    """Return (H, W) grey or (H, W, 3) RGB, uint8; a view of the message where possible.

    Raises:
        ImageError: naming the field that is wrong.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message.data)
    return decode_image(**message_fields(message))


def depth_from_message(message: Image) -> Floats:
    """Return (H, W) metres, NaN where unknown (REP 118).

    Raises:
        ImageError: naming the field that is wrong.
    """
    return decode_depth(**message_fields(message))


def image_to_message(image: AnyArray, header: Header) -> Image:
    """Return the message of (H, W) mono8, (H, W, 3) rgb8 or (H, W) float32 depth in metres."""
    message = Image(header=header, height=image.shape[0], width=image.shape[1])
    if image.dtype == np.float32:
        message.encoding, itemsize = "32FC1", 4
    else:
        message.encoding, itemsize = ("mono8", 1) if image.ndim == 2 else ("rgb8", 3)
    message.step = image.shape[1] * itemsize
    message.data = flat("B", image)
    return message


def camera_from_message(message: CameraInfo) -> structs.Camera:
    """Return the camera.

    Raises:
        ValueError: if the camera is not calibrated or its distortion model is unknown.
    """
    P = np.array(message.p).reshape(3, 4)
    R = np.array(message.r).reshape(3, 3)
    D = np.array(message.d)
    bends = D.any() or message.distortion_model == "equidistant"
    return structs.Camera(
        width=message.width,
        height=message.height,
        K=np.array(message.k).reshape(3, 3),
        distortion_model=message.distortion_model if bends else "none",
        D=D,
        R=R if R.any() else np.eye(3),
        P=P if P.any() else None,
    )


def camera_to_message(camera: structs.Camera, header: Header) -> CameraInfo:
    """Return the message of a camera."""
    P = np.hstack([camera.K, np.zeros((3, 1))]) if camera.P is None else camera.P
    model = "plumb_bob" if camera.distortion_model == "none" else camera.distortion_model
    return CameraInfo(
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model=model,
        d=(camera.D if len(camera.D) else np.zeros(5)).tolist(),
        k=camera.K.ravel().tolist(),
        r=camera.R.ravel().tolist(),
        p=P.ravel().tolist(),
    )


def features_to_message(
    features: structs.Features, header: Header, model: str, descriptor_type: str = "float32"
) -> Features:
    """Return the message of features on any device; descriptors as one of DESCRIPTOR_TYPES."""
    features = features.to("cpu")
    return Features(
        header=header,
        height=features.image_size[0],
        width=features.image_size[1],
        model=model,
        keypoints=flat("f", features.keypoints),
        scores=flat("f", features.scores),
        dispersity=flat("f", features.dispersity),
        descriptor_dim=features.descriptors.shape[1],
        descriptor_type=_DESCRIPTOR_TYPES[descriptor_type],
        descriptors=flat("B", _encode(features.descriptors, descriptor_type)),
    )


def features_from_message(message: Features) -> structs.Features:
    """Return the features; float32 arrays are views of the message, descriptors unit rows.

    Raises:
        ValueError: if the arrays contradict each other or the descriptor type is unknown.
    """
    count = len(message.scores)
    dtype = _DESCRIPTOR_DTYPES.get(message.descriptor_type)
    if dtype is None:
        raise ValueError(f"descriptor_type is {message.descriptor_type}: use FLOAT32/FLOAT16/INT8")
    expected = count * message.descriptor_dim * dtype.itemsize
    if len(message.descriptors) != expected:
        raise ValueError(
            f"descriptors has {len(message.descriptors)} bytes: {count} keypoints with "
            f"{message.descriptor_dim} numbers of {dtype.itemsize} bytes need {expected}"
        )
    for name, size in (("keypoints", 2 * count), ("dispersity", count)):
        if len(getattr(message, name)) != size:
            raise ValueError(
                f"{name} has {len(getattr(message, name))} numbers for {count} scores: give {size}"
            )
    descriptors = np.frombuffer(message.descriptors, dtype).reshape(count, message.descriptor_dim)
    return structs.Features(
        keypoints=_view(message.keypoints).reshape(count, 2),
        scores=_view(message.scores),
        dispersity=_view(message.dispersity),
        descriptors=_decode(torch.from_numpy(descriptors)),
        image_size=(message.height, message.width),
    )


def _encode(descriptors: torch.Tensor, descriptor_type: str) -> torch.Tensor:
    """Return unit rows (N, D) as they travel."""
    if descriptor_type == "float16":
        return descriptors.to(torch.float16)
    if descriptor_type == "int8":
        # A row's length does not matter, so each may use all 255 steps.
        largest = descriptors.abs().amax(dim=1, keepdim=True).clamp_min(1e-12)
        return (descriptors * (127 / largest)).round().to(torch.int8)
    return descriptors


def _decode(descriptors: torch.Tensor) -> torch.Tensor:
    """Return rows (N, D) that have travelled as float32 unit rows."""
    if descriptors.dtype == torch.float32:
        return descriptors
    return torch.nn.functional.normalize(descriptors.to(torch.float32), dim=1)


def _view(values: array) -> torch.Tensor:
    """View a float32 field as a tensor, which keeps the field alive."""
    return torch.from_numpy(np.frombuffer(values, np.float32))


def pose_to_message(T_a_b: Array) -> Pose:
    """Return the pose of frame b in frame a; T_a_b is (4, 4), metres."""
    x, y, z, w = Rotation.from_matrix(T_a_b[:3, :3]).as_quat().tolist()
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
    """Return (4, 4) T_a_b of x, y, z (m) and the quaternion x, y, z, w."""
    T_a_b = np.eye(4)
    T_a_b[:3, :3] = Rotation.from_quat(values[3:]).as_matrix()
    T_a_b[:3, 3] = values[:3]
    return T_a_b
