"""The CameraInfo messages of a bag -> Calibration."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.bag_file import BagFile
from aliked_ros.datasets.readers.bag_topics import info_topic, is_rectified_by_name
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.geometry.calibration import CalibrationFields, Region, make_camera
from aliked_ros.images.file_size import picture_size
from aliked_ros.structs import Camera

TYPE = "sensor_msgs/msg/CameraInfo"
_NUM_TRIED = 30  # a driver may need some messages until it knows its camera


def read_cameras(bag: BagFile, roles: dict[str, str], options: Options) -> Calibration:
    """Return the cameras of the chosen topics, or why there are none.

    Args:
        bag: the recording.
        roles: role -> image topic.
        options: "camera_info" and "right_camera_info" of its topics, and whether images are
            rectified.

    Raises:
        DatasetError: a topic of calibration is asked for that the bag lacks.
    """
    infos = sorted(topic for topic, kind in bag.topic_types.items() if kind == TYPE)
    wanted = dict(options.topics)
    left = _topic(bag, wanted, "camera_info", roles["image"], infos)
    camera, problem = _camera(bag, roles["image"], left, infos, options)
    if "right_image" not in roles:
        return Calibration(camera, problem=problem)
    right = _topic(bag, wanted, "right_camera_info", roles["right_image"], infos)
    if right == left:
        right = ""
    right_camera, right_problem = _camera(bag, roles["right_image"], right, infos, options)
    return Calibration(camera, right_camera, problem=problem, right_problem=right_problem)


def changes(bag: BagFile, roles: dict[str, str], options: Options) -> list[str]:
    """Return of which topics the calibration changes along the recording, a sentence each."""
    infos = sorted(topic for topic, kind in bag.topic_types.items() if kind == TYPE)
    wanted = dict(options.topics)
    remarks = []
    for role, image in (("camera_info", "image"), ("right_camera_info", "right_image")):
        topic = _topic(bag, wanted, role, roles[image], infos) if image in roles else ""
        infos_of = bag.sampled(topic, _NUM_TRIED) if topic else ()
        values = [_values(info) for info in infos_of if info.k[0] or info.p[0]]
        others = [other for other in values if other != values[0]]
        if others:
            remarks.append(
                f"{topic} changes along the recording (focal length {values[0][2]:.2f} px, later "
                f"{others[-1][2]:.2f}; width {values[0][0]} and {others[-1][0]} px): only the "
                "first calibration that fits is used; cut the recording there"
            )
    return remarks


def _values(info: Any) -> tuple[Any, ...]:
    """Return what makes a calibration, rounded to what matters."""
    numbers = np.concatenate([info.k, info.d, info.p])
    rounded = tuple(float(f"{number:.5g}") for number in numbers)
    focal_px = round(float(info.k[0]) or float(info.p[0]), 3)
    sizes = (info.width, info.height, focal_px)
    return (*sizes, info.binning_x, info.binning_y, info.distortion_model, *rounded)


def _topic(bag: BagFile, wanted: dict[str, str], role: str, image: str, infos: list[str]) -> str:
    topic = wanted.get(role) or info_topic(image, infos)
    if topic and topic not in infos:
        raise DatasetError(
            f"bag {bag.path} has no topic {topic!r} of type CameraInfo: there are "
            f"{', '.join(infos) or 'none'}"
        )
    return topic


def _camera(
    bag: BagFile, image_topic: str, topic: str, infos: list[str], options: Options
) -> tuple[Camera | None, str]:
    """Return the camera of an image topic, or None and why."""
    if not topic:
        there = (
            f"the bag has {', '.join(infos)}; name it with --camera-info-topic"
            if infos
            else ("the bag has none; pass a calibration file with --camera-info")
        )
        return None, f"no CameraInfo topic lies beside {image_topic}: {there}"
    size = _image_size(bag.first(image_topic))
    problem = f"{topic} holds no message: pass a calibration file with --camera-info"
    for info in islice(bag.messages(topic), _NUM_TRIED):
        try:
            return _make(info, image_topic, size, options), ""
        except ValueError as error:
            reason = str(error).replace("to true", "to true (--rectified-images)")
            problem = f"{topic}: {reason}; or pass a calibration file with --camera-info"
    return None, problem


def _make(info: Any, image_topic: str, size: tuple[int, int] | None, options: Options) -> Camera:
    roi = info.roi
    fields = CalibrationFields(
        info.width,
        info.height,
        info.k,
        info.distortion_model,
        info.d,
        info.r,
        info.p,
        (info.binning_x, info.binning_y),
        Region(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )
    is_rectified = options.rectified_images
    if is_rectified is None:
        is_rectified = is_rectified_by_name(image_topic) and bool(info.p[0])
    return make_camera(fields, size, is_rectified)


def _image_size(message: Any) -> tuple[int, int] | None:
    """Return (width, height) of an image message, px; None where it cannot be told."""
    if message is None:
        return None
    if hasattr(message, "encoding"):
        return int(message.width), int(message.height)
    return picture_size(bytes(message.data))
