"""What the drivers of common cameras publish, so that `camera:=NAME` fills in the topics.

Read in the drivers' sources; `source` names file and version. The images of all of them are
heard best effort, which fits any reliability.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stream:
    """The topics of one way to use a camera, by the name of their launch argument."""

    topics: dict[str, str]
    driver_arguments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CameraPreset:
    """A camera and its driver.

    Attributes:
        package, launch_file: start the driver.
        source: where the topics were read.
        base_frame: root of the frames that the driver publishes, empty if it publishes none.
        streams: sensor -> topics; the first one is the default.
        required: arguments that the driver's launch file has no default for.
        sync_slop_s: how far the stamps of colour and depth differ at most, s; 0: not at all.
    """

    package: str
    launch_file: str
    source: str
    base_frame: str
    streams: dict[str, Stream]
    required: tuple[str, ...] = ()
    sync_slop_s: float = 0.0


def _colour(root: str, image: str, info: str, depth: str = "") -> dict[str, str]:
    topics = {"image_topic": root + image, "camera_info_topic": root + info}
    return topics | ({"depth_topic": root + depth} if depth else {})


_REALSENSE_COLOUR = _colour("/camera/camera/", "color/image_raw", "color/camera_info")
_REALSENSE_DEPTH = {"depth_topic": "/camera/camera/aligned_depth_to_color/image_raw"}
_REALSENSE_PAIR = {
    "image_topic": "/camera/camera/infra1/image_rect_raw",
    "camera_info_topic": "/camera/camera/infra1/camera_info",
    "right_image_topic": "/camera/camera/infra2/image_rect_raw",
    "right_camera_info_topic": "/camera/camera/infra2/camera_info",
}
_ZED = "/zed/zed_node/"
_ZED_PAIR = {
    "image_topic": f"{_ZED}left/color/rect/image",
    "camera_info_topic": f"{_ZED}left/color/rect/camera_info",
    "right_image_topic": f"{_ZED}right/color/rect/image",
    "right_camera_info_topic": f"{_ZED}right/color/rect/camera_info",
}
_ZED_OURS = {"publish_tf": "false", "publish_map_tf": "false"}  # odom -> base is the tracker's
_ZED_COLOUR = _colour(_ZED, "rgb/color/rect/image", "rgb/color/rect/camera_info")
_ZED_DEPTH = {"depth_topic": f"{_ZED}depth/depth_registered"}
_OAK_COLOUR = _colour("/oak/", "rgb/image_raw", "rgb/camera_info")
_KINECT_COLOUR = _colour("/", "rgb/image_raw", "rgb/camera_info")
_KINECT_FAST = {
    "color_resolution": "720P",
    "fps": "30",
    "depth_mode": "NFOV_UNBINNED",
    "point_cloud": "false",
    "rgb_point_cloud": "false",
}

CAMERAS = {
    "realsense": CameraPreset(
        package="realsense2_camera",
        launch_file="rs_launch.py",
        source="realsense-ros 4.56.1: src/rs_node_setup.cpp, launch/rs_launch.py",
        base_frame="camera_link",
        streams={
            "rgbd": Stream(_REALSENSE_COLOUR | _REALSENSE_DEPTH, {"align_depth.enable": "true"}),
            "stereo": Stream(_REALSENSE_PAIR, {"enable_infra1": "true", "enable_infra2": "true"}),
            "mono": Stream(_REALSENSE_COLOUR),
        },
    ),
    "zed": CameraPreset(
        package="zed_wrapper",
        launch_file="zed_camera.launch.py",
        source="zed-ros2-wrapper 5.4.1: src/zed_camera/src/zed_camera_component_video_depth.cpp",
        base_frame="zed_camera_link",
        streams={
            "rgbd": Stream(_ZED_COLOUR | _ZED_DEPTH, _ZED_OURS),
            "stereo": Stream(_ZED_PAIR, _ZED_OURS),
            "mono": Stream(_ZED_COLOUR, _ZED_OURS),
        },
        required=("camera_model",),
    ),
    "oak": CameraPreset(
        package="depthai_ros_driver",
        launch_file="camera.launch.py",
        source="depthai-ros 2.10.3: src/dai_nodes/sensors/img_pub.cpp, launch/camera.launch.py",
        base_frame="oak-d-base-frame",
        streams={
            "rgbd": Stream(_OAK_COLOUR | {"depth_topic": "/oak/stereo/image_raw"}),
            "mono": Stream(_OAK_COLOUR),
        },
        sync_slop_s=0.02,  # its queues are not synchronised; half a period at 30 Hz is 0.017
    ),
    "usb_cam": CameraPreset(
        package="usb_cam",
        launch_file="camera.launch.py",
        source="usb_cam 0.8.1: launch/camera_config.py, src/usb_cam_node.cpp",
        base_frame="",
        streams={"mono": Stream(_colour("/camera1/", "image_raw", "camera_info"))},
    ),
    "kinect_azure": CameraPreset(
        package="azure_kinect_ros_driver",
        launch_file="driver.launch.py",
        source="Azure_Kinect_ROS_Driver 0.9.0, branch humble (6ffb95a): src/k4a_ros_device.cpp",
        base_frame="camera_base",
        streams={
            "rgbd": Stream(
                _KINECT_COLOUR | {"depth_topic": "/depth_to_rgb/image_raw"}, _KINECT_FAST
            ),
            "mono": Stream(_KINECT_COLOUR, _KINECT_FAST),
        },
    ),
}


def apply_camera(given: dict[str, str]) -> dict[str, str]:
    """Return the arguments with those filled in that a camera knows and the user left empty.

    Raises:
        ValueError: if the camera does not have that sensor, or is given beside a dataset.
    """
    preset = CAMERAS.get(given["camera"])
    if preset is None:
        if given["start_camera"] == "true":
            raise ValueError("start_camera is true and camera is none: name the camera")
        return given
    if given["dataset"]:
        raise ValueError(
            f"camera is {given['camera']!r} and dataset is {given['dataset']!r}: give one of them"
        )
    sensor = given["sensor"] or next(iter(preset.streams))
    if sensor not in preset.streams:
        raise ValueError(
            f"sensor is {sensor!r}, which camera {given['camera']!r} is not set up for: "
            f"give {' or '.join(preset.streams)}, or name the topics without camera"
        )
    known = {"sensor": sensor, **preset.streams[sensor].topics, **_mount(preset, given)}
    return given | {name: value for name, value in known.items() if not given[name]}


def driver_arguments(given: dict[str, str]) -> dict[str, str]:
    """Return what the launch file of the driver gets.

    Raises:
        ValueError: if `camera_arguments` is none, or lacks what the driver must be told.
    """
    preset = CAMERAS[given["camera"]]
    own = {}
    for word in given["camera_arguments"].split():
        name, sign, value = word.partition(":=")
        if not sign or not name:
            raise ValueError(f"camera_arguments has {word!r}: give NAME:=VALUE, split by spaces")
        own[name] = value
    missing = [name for name in preset.required if name not in own]
    if missing:
        raise ValueError(
            f"camera_arguments is {given['camera_arguments']!r} and the driver of "
            f"{given['camera']} needs {missing[0]}: camera_arguments:={missing[0]}:=VALUE"
        )
    return preset.streams[given["sensor"]].driver_arguments | own


def _mount(preset: CameraPreset, given: dict[str, str]) -> dict[str, str]:
    """Return where the camera sits, unless the user says something of it."""
    if given["base_frame"] or given["camera_transform"]:
        return {}
    if preset.base_frame:
        return {"base_frame": preset.base_frame}
    return {"camera_transform": "optical"}
