"""sensor_msgs: images, depth images and calibrations <-> arrays and cameras."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from aliked_ros.geometry.calibration import CalibrationFields, Region, make_camera
from aliked_ros.images import (
    GreyRange,
    decode_compressed,
    decode_compressed_depth,
    decode_depth,
    decode_image,
    message_fields,
)
from aliked_ros.nodes.base.conversions.fields import flat
from aliked_ros.structs import AnyArray, Camera, Floats, Pixels

AnyImage: TypeAlias = Image | CompressedImage


def image_from_message(
    message: AnyImage, grey_range: GreyRange | None = None, max_megapixels: float = 0.0
) -> Pixels:
    """Return (H, W) grey or (H, W, 3) RGB, uint8; a view of the message where possible.

    Args:
        message: raw or compressed.
        grey_range: of images of more than 8 bits; None: the range that is there.
        max_megapixels: that are decoded; 0: any number.

    Raises:
        ImageError: naming the field that is wrong.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message.data, message.format, grey_range, max_megapixels)
    fields = message_fields(message)
    return decode_image(**fields, grey_range=grey_range, max_megapixels=max_megapixels)


def depth_from_message(
    message: AnyImage, depth_scale: float = 0.0, max_megapixels: float = 0.0
) -> Floats:
    """Return (H, W) metres, NaN where unknown (REP 118).

    Args:
        message: raw or compressed.
        depth_scale: metres per unit of its values; 0: by the encoding.
        max_megapixels: that are decoded; 0: any number.

    Raises:
        ImageError: naming the field that is wrong.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed_depth(message.data, message.format, depth_scale, max_megapixels)
    fields = message_fields(message)
    return decode_depth(**fields, depth_scale=depth_scale, max_megapixels=max_megapixels)


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


def camera_from_message(
    message: CameraInfo, image_size: tuple[int, int] | None = None, is_rectified: bool = False
) -> Camera:
    """Return the camera of images, with binning and region of interest as REP 104 says.

    Args:
        message: the calibration.
        image_size: (width, height) of the images, px; None: what the message says.
        is_rectified: whether the images are rectified, so that P alone counts.

    Raises:
        OtherSizeError: if it is for images of another size.
        ValueError: if it cannot be used, naming the field, its value and what to do.
    """
    roi = message.roi
    fields = CalibrationFields(
        width=message.width,
        height=message.height,
        K=message.k,
        model=message.distortion_model,
        D=message.d,
        R=message.r,
        P=message.p,
        binning=(message.binning_x, message.binning_y),
        region=Region(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )
    return make_camera(fields, image_size, is_rectified)


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
