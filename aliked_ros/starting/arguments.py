"""The arguments of a pipeline, `NAME:=VALUE` each, and what they may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aliked_ros.config import MODELS, SENSORS
from aliked_ros.config.companions import RECORD_FORMATS
from aliked_ros.config.nodes import TRANSPORTS
from aliked_ros.starting.cameras import CAMERAS


class Argument(NamedTuple):
    """One argument; without choices it may be anything."""

    name: str
    default: str
    choices: tuple[str, ...] | None
    description: str


_BOOLEANS = ("true", "false")
_MAYBE = ("", *_BOOLEANS)

# An empty argument leaves the parameter as the params_file has it.
ARGUMENTS = [
    Argument("camera", "none", ("none", *CAMERAS), "fills in topics and frames: docs/cameras/"),
    Argument("start_camera", "false", _BOOLEANS, "start the driver of the camera too"),
    Argument("camera_arguments", "", None, "for the driver: 'NAME:=VALUE NAME:=VALUE'"),
    Argument(
        "composed",
        "",
        _MAYBE,
        "extractor and tracker in one process, which is faster; default true, with cameras false",
    ),
    Argument("sensor", "", ("", *SENSORS), "what measures depth: mono (nothing), stereo or rgbd"),
    Argument("image_topic", "", None, "camera image (left one for stereo), default image_raw"),
    Argument("camera_info_topic", "", None, "its calibration, default camera_info"),
    Argument(
        "cameras",
        "",
        None,
        "names of several cameras, as [left,right]: NAME/image_raw and NAME/features each, one "
        "extractor; the first is tracked, with sensor:=stereo the first two; image_topic, "
        "camera_info_topic, depth_topic and mask_topic are then the part behind NAME/",
    ),
    Argument(
        "depth_topic",
        "",
        None,
        "depth registered to the image, for sensor:=rgbd, default depth/image_raw",
    ),
    Argument(
        "right_image_topic", "", None, "right image, for sensor:=stereo, default right/image_raw"
    ),
    Argument("right_camera_info_topic", "", None, "its calibration, default right/camera_info"),
    Argument("image_transport", "", ("", *TRANSPORTS), "how images arrive"),
    Argument("rectified_images", "", _MAYBE, "the images are rectified already: only P counts"),
    Argument("namespace", "", None, "namespace of all nodes and relative topics"),
    Argument(
        "enclaves",
        "",
        None,
        "of SROS 2: each process is in ENCLAVES/NAME, such as /aliked/composed; default: none",
    ),
    Argument("odom_frame", "", None, "fixed frame of the odometry (REP 105), default odom"),
    Argument("base_frame", "", None, "frame of the robot (REP 105), default base_link"),
    Argument("camera_frame", "", None, "optical frame; default: frame_id of the images"),
    Argument(
        "camera_transform",
        "",
        None,
        "camera in base_frame: 'optical' (camera is the base) or 'x y z qx qy qz qw'; "
        "default: from TF, with a dataset 'optical'",
    ),
    Argument(
        "scale_odometry_topic",
        "",
        None,
        "mono: nav_msgs/Odometry that knows metres and gives the scale; default: no scale",
    ),
    Argument(
        "camera_height_m",
        "",
        None,
        "mono: height of the camera above the ground, which gives the scale; default: no scale",
    ),
    Argument(
        "imu_topic",
        "",
        None,
        "sensor_msgs/Imu whose orientation is a prior of the camera's rotation",
    ),
    Argument(
        "imu_transform",
        "",
        None,
        "imu in base_frame: 'base' (same axes) or 'x y z qx qy qz qw'; default: from TF",
    ),
    Argument("mask_topic", "", None, "mono8 of the image's size, 0 where no keypoints are kept"),
    Argument(
        "output_dir", "", None, "folder of what is recorded and of what ~/save_ services write"
    ),
    Argument("publish_tf", "", _MAYBE, "publish odom_frame -> base_frame on /tf, default true"),
    Argument("model", "", ("", *MODELS), "network variant"),
    Argument("weights", "", None, "checkpoint file, or package; default: found or downloaded"),
    Argument("device", "", None, "auto, cpu, cuda or cuda:N"),
    Argument("params_file", "", None, "all parameters, default config/aliked.yaml"),
    Argument("use_sim_time", "false", _BOOLEANS, "take the time from /clock"),
    Argument(
        "dataset",
        "",
        None,
        "play this folder, video or rosbag2 instead of a camera, or 'synthetic'",
    ),
    Argument(
        "dataset_options",
        "",
        None,
        "how it is read: 'NAME:=VALUE NAME:=VALUE' of the player's read.NAME, such as "
        "depth_scale:=0.001 or image_topic:=/cam (of a bag)",
    ),
    Argument("camera_info", "", None, "calibration file of a dataset that has none"),
    Argument("rate", "0", None, "speed of the dataset: 1 real time, 0 as the tracker keeps up"),
    Argument(
        "overlay", "true", _BOOLEANS, "image with keypoints and track tails (drawn if subscribed)"
    ),
    Argument(
        "record",
        "",
        ("", *RECORD_FORMATS),
        "into output_dir: a rosbag2 (mcap) with images and results, or text files of the results",
    ),
    Argument("rviz", "false", _BOOLEANS, "show the result in rviz2"),
    Argument("view", "false", _BOOLEANS, "show the result on a page in the browser (rerun)"),
    Argument("log_level", "info", ("debug", "info", "warn", "error"), "verbosity of all nodes"),
]


def read_arguments(words: Sequence[str]) -> dict[str, str]:
    """Return name -> value of all arguments, from words such as `sensor:=rgbd`.

    Raises:
        ValueError: naming the word, if it is no argument, or its value not allowed.
    """
    known = {argument.name: argument for argument in ARGUMENTS}
    given = {argument.name: argument.default for argument in ARGUMENTS}
    for word in words:
        name, sign, value = word.partition(":=")
        if not sign:
            raise ValueError(f"{word!r} is no argument: give NAME:=VALUE, or --show-args to list")
        if name not in known:
            raise ValueError(f"{name} is no argument: --show-args lists them")
        choices = known[name].choices
        if choices is not None and value not in choices:
            allowed = ", ".join(choice for choice in choices if choice)
            raise ValueError(f"{name} is {value!r}: give one of {allowed}")
        given[name] = value
    return given


def describe_arguments() -> str:
    """Return all arguments with choices, default and meaning, a line each."""
    lines = []
    for name, default, choices, description in ARGUMENTS:
        allowed = f" ({', '.join(choice for choice in choices if choice)})" if choices else ""
        shown = f" [{default}]" if default else ""
        lines.append(f"  {name}:={shown:8} {description}{allowed}")
    return "\n".join(lines)
