"""The whole pipeline: camera or dataset -> features -> odometry, overlay and rviz on demand."""

import os
import tempfile
from pathlib import Path

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from aliked_ros.config import MODELS, SENSORS
from aliked_ros.config.nodes import TRANSPORTS

SHARE = Path(get_package_share_directory("aliked_ros"))
BOOLEANS = ["true", "false"]
# An empty argument leaves the parameter as the params_file has it.
ARGUMENTS = [
    ("composed", "true", BOOLEANS, "extractor and tracker in one process, which is faster"),
    ("sensor", "", ["", *SENSORS], "what measures depth: mono (nothing), stereo or rgbd"),
    ("image_topic", "image_raw", None, "camera image (left one for stereo)"),
    ("camera_info_topic", "camera_info", None, "its calibration"),
    ("depth_topic", "depth/image_raw", None, "depth registered to the image, for sensor:=rgbd"),
    ("right_image_topic", "right/image_raw", None, "right image, for sensor:=stereo"),
    ("right_camera_info_topic", "right/camera_info", None, "its calibration"),
    ("image_transport", "", ["", *TRANSPORTS], "how images arrive"),
    ("namespace", "", None, "namespace of all nodes and relative topics"),
    ("odom_frame", "", None, "fixed frame of the odometry (REP 105), default odom"),
    ("base_frame", "", None, "frame of the robot (REP 105), default base_link"),
    ("camera_frame", "", None, "optical frame; default: frame_id of the images"),
    (
        "camera_transform",
        "",
        None,
        "camera in base_frame: 'optical' (camera is the base) or 'x y z qx qy qz qw'; "
        "default: from TF, with a dataset 'optical'",
    ),
    (
        "scale_odometry_topic",
        "",
        None,
        "mono: nav_msgs/Odometry that knows metres and gives the scale; default: no scale",
    ),
    (
        "camera_height_m",
        "",
        None,
        "mono: height of the camera above the ground, which gives the scale; default: no scale",
    ),
    (
        "imu_topic",
        "",
        None,
        "sensor_msgs/Imu whose orientation is a prior of the camera's rotation",
    ),
    (
        "imu_transform",
        "",
        None,
        "imu in base_frame: 'base' (same axes) or 'x y z qx qy qz qw'; default: from TF",
    ),
    ("output_dir", "", None, "folder of what ~/save_trajectory and ~/save_landmarks write"),
    ("publish_tf", "", ["", *BOOLEANS], "publish odom_frame -> base_frame on /tf, default true"),
    ("model", "", ["", *MODELS], "network variant"),
    ("weights", "", None, "checkpoint file, or package; default: found or downloaded"),
    ("device", "", None, "auto, cpu, cuda or cuda:N"),
    ("params_file", str(SHARE / "config" / "aliked.yaml"), None, "all parameters"),
    ("use_sim_time", "false", BOOLEANS, "take the time from /clock"),
    (
        "dataset",
        "",
        None,
        "play this folder, video or rosbag2 instead of a camera, or 'synthetic'",
    ),
    ("rate", "0", None, "speed of the dataset: 1 real time, 0 as fast as the tracker keeps up"),
    ("overlay", "true", BOOLEANS, "image with keypoints and track tails (drawn if subscribed)"),
    ("rviz", "false", BOOLEANS, "show the result in rviz2"),
    ("log_level", "info", ["debug", "info", "warn", "error"], "verbosity of all nodes"),
]


def generate_launch_description() -> LaunchDescription:
    """Describe arguments and nodes."""
    profile = str(SHARE / "config" / "fastdds_large_images.xml")
    variables = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
    return LaunchDescription(
        [SetEnvironmentVariable(name, profile) for name in variables if name not in os.environ]
        + [
            DeclareLaunchArgument(
                name,
                default_value=default,
                description=description,
                **({"choices": choices} if choices else {}),
            )
            for name, default, choices, description in ARGUMENTS
        ]
        + [OpaqueFunction(function=start_nodes)]
    )


def start_nodes(context: LaunchContext) -> list[Node]:
    """Return the nodes that the arguments ask for."""
    given = {name: LaunchConfiguration(name).perform(context) for name, *_ in ARGUMENTS}
    executables = choose_executables(given)
    common = {
        "namespace": given["namespace"],
        "parameters": [given["params_file"], write_parameters(choose_parameters(given))],
        "remappings": [
            ("image_raw", given["image_topic"]),
            ("camera_info", given["camera_info_topic"]),
            ("depth/image_raw", given["depth_topic"]),
            ("right/image_raw", given["right_image_topic"]),
            ("right/camera_info", given["right_camera_info_topic"]),
            ("scale_odometry", given["scale_odometry_topic"] or "scale_odometry"),
            ("imu", given["imu_topic"] or "imu"),
        ],
        "ros_arguments": ["--log-level", given["log_level"]],
        "output": "screen",
        "emulate_tty": True,
    }
    nodes = [
        Node(package="aliked_ros", executable=name, **common, **choose_respawn(name))
        for name in executables
    ]
    if given["rviz"] == "true":
        config = str(SHARE / "config" / "aliked.rviz")
        frame = given["odom_frame"] or "odom"
        nodes.append(
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=given["namespace"],
                parameters=[{"use_sim_time": given["use_sim_time"] == "true"}],
                arguments=["-d", config, "-f", frame],
            )
        )
    return nodes


def choose_executables(given: dict[str, str]) -> list[str]:
    """Return the executables that the arguments ask for."""
    executables = ["composed_node"]
    if given["composed"] == "false":
        executables = ["extractor_node", "tracker_node"]
    if given["overlay"] == "true":
        executables.append("overlay_node")
    if given["dataset"]:
        executables.append("player_node")
    return executables


def choose_respawn(executable: str) -> dict[str, object]:
    """Return what starts a process again that has lost its GPU."""
    uses_gpu = executable in ("composed_node", "extractor_node", "tracker_node")
    return {"respawn": True, "respawn_delay": 2.0} if uses_gpu else {}


def choose_parameters(given: dict[str, str]) -> dict[str, dict[str, object]]:
    """Return node -> the parameters that the arguments set."""
    dataset = given["dataset"]
    transport = {"image_transport": given["image_transport"]}
    chosen: dict[str, dict[str, object]] = {
        "aliked_extractor": {
            **transport,
            **{f"extractor.{name}": given[name] for name in ("model", "weights", "device")},
        },
        "aliked_tracker": {
            **transport,
            "odometry.sensor": given["sensor"],
            "odom_frame": given["odom_frame"],
            "base_frame": given["base_frame"],
            "camera_frame": given["camera_frame"],
            "camera_transform": given["camera_transform"] or ("optical" if dataset else ""),
            "publish_tf": given["publish_tf"] and given["publish_tf"] == "true",
            "device": given["device"],
            "output_dir": given["output_dir"],
            **choose_scale(
                given["sensor"], given["scale_odometry_topic"], given["camera_height_m"]
            ),
            "use_imu": bool(given["imu_topic"]) or "",
            "imu_transform": given["imu_transform"],
        },
        "aliked_overlay": transport,
        "aliked_player": {
            "dataset": dataset,
            "sensor": given["sensor"],
            "rate": read_number("rate", given["rate"]),
            "clock": given["use_sim_time"] == "true",
        },
    }
    sim_time = {"use_sim_time": given["use_sim_time"] == "true"}
    return {
        node: {name: value for name, value in (parameters | sim_time).items() if value != ""}
        for node, parameters in chosen.items()
    }


def choose_scale(sensor: str, odometry_topic: str, camera_height_m: str) -> dict[str, object]:
    """Return the parameters of the one source of scale that was given, if any."""
    if sensor not in ("", "mono") and (odometry_topic or camera_height_m):
        raise ValueError(
            f"sensor is {sensor!r}, which measures metres itself: leave out scale_odometry_topic "
            "and camera_height_m"
        )
    if odometry_topic and camera_height_m:
        raise ValueError(
            f"scale_odometry_topic is {odometry_topic!r} and camera_height_m is "
            f"{camera_height_m!r}: give one of them"
        )
    if odometry_topic:
        return {"scale_source": "odometry"}
    if camera_height_m:
        height_m = read_number("camera_height_m", camera_height_m)
        return {"scale_source": "camera_height", "camera_height_m": height_m}
    return {}


def read_number(name: str, text: str) -> float:
    """Return the number that an argument gives."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}: give a number") from None


def write_parameters(chosen: dict[str, dict[str, object]]) -> str:
    """Write a parameter file and return its path.

    It names the nodes as the params_file does: what launch itself passes on for a process of two
    nodes would be for any node (`/**`), and lose against that file.
    """
    sections = {f"/**/{node}": {"ros__parameters": values} for node, values in chosen.items()}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        yaml.safe_dump(sections, file)
    return file.name
