"""sensor_msgs: images, depth images and calibrations <-> arrays and cameras."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from aliked_ros.images import decode_compressed, decode_depth, decode_image, message_fields
from aliked_ros.nodes.base.conversions.fields import flat
from aliked_ros.structs import AnyArray, Camera, Floats, Pixels


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


def camera_from_message(message: CameraInfo) -> Camera:
    """Return the camera.

    Raises:
        ValueError: if the camera is not calibrated or its distortion model is unknown.
    """
    P = np.array(message.p).reshape(3, 4)
    R = np.array(message.r).reshape(3, 3)
    D = np.array(message.d)
    # The model of a pinhole without coefficients may be any word, or none.
    bends = D.any() or message.distortion_model == "equidistant"
    return Camera(
        width=message.width,
        height=message.height,
        K=np.array(message.k).reshape(3, 3),
        distortion_model=message.distortion_model if bends else "none",
        D=D,
        R=R if R.any() else np.eye(3),
        P=P if P.any() else None,
    )


def camera_to_message(camera: Camera, header: Header) -> CameraInfo:
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
