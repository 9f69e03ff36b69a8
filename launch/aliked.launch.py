"""The whole pipeline: camera or dataset -> features -> odometry, overlay and rviz on demand."""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from aliked_ros.config import MODELS, SENSORS

SHARE = Path(get_package_share_directory("aliked_ros"))
BOOLEANS = ["true", "false"]
# An empty argument leaves the parameter as the params_file has it.
ARGUMENTS = [
    ("sensor", "", ["", *SENSORS], "what measures the scale: mono (none), stereo or rgbd"),
    ("image_topic", "image_raw", None, "camera image (left one for stereo)"),
    ("camera_info_topic", "camera_info", None, "its calibration"),
    ("depth_topic", "depth/image_raw", None, "depth registered to the image, for sensor:=rgbd"),
    ("right_image_topic", "right/image_raw", None, "right image, for sensor:=stereo"),
    ("right_camera_info_topic", "right/camera_info", None, "its calibration"),
    ("image_transport", "", ["", "raw", "compressed"], "how images arrive"),
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
    ("publish_tf", "", ["", *BOOLEANS], "publish odom_frame -> base_frame on /tf, default true"),
    ("model", "", ["", *MODELS], "network variant"),
    ("weights", "", None, "checkpoint file; default: found or downloaded"),
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
    dataset = given["dataset"]
    remappings = [
        ("image_raw", given["image_topic"]),
        ("camera_info", given["camera_info_topic"]),
        ("depth/image_raw", given["depth_topic"]),
        ("right/image_raw", given["right_image_topic"]),
        ("right/camera_info", given["right_camera_info_topic"]),
    ]

    def node(executable: str, parameters: dict[str, object], **options: object) -> Node:
        # As text it would be read as YAML: a dataset named 2024 would become a number.
        chosen = {
            name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
            for name, value in parameters.items()
            if value != ""
        }
        chosen["use_sim_time"] = given["use_sim_time"] == "true"
        return Node(
            package="aliked_ros",
            executable=executable,
            # Named: launch then writes the parameters for that very node, over the file's **.
            name=f"aliked_{executable.removesuffix('_node')}",
            namespace=given["namespace"],
            parameters=[given["params_file"], chosen],
            remappings=remappings,
            ros_arguments=["--log-level", given["log_level"]],
            output="screen",
            emulate_tty=True,
            **options,
        )

    transport = {"image_transport": given["image_transport"]}
    extractor = {f"extractor.{name}": given[name] for name in ("model", "weights", "device")}
    tracker = {
        "odometry.sensor": given["sensor"],
        "odom_frame": given["odom_frame"],
        "base_frame": given["base_frame"],
        "camera_frame": given["camera_frame"],
        "camera_transform": given["camera_transform"] or ("optical" if dataset else ""),
        "publish_tf": given["publish_tf"] and given["publish_tf"] == "true",
        "device": given["device"],
    }
    nodes = [
        node("extractor_node", {**transport, **extractor}),
        node("tracker_node", {**transport, **tracker}),
    ]
    if given["overlay"] == "true":
        nodes.append(node("overlay_node", transport))
    if dataset:
        player = {
            "dataset": dataset,
            "sensor": given["sensor"],
            "rate": float(given["rate"]),
            "clock": given["use_sim_time"] == "true",
        }
        nodes.append(node("player_node", player))
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
