"""Arguments -> processes, with what each of them is given."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from aliked_ros.starting.cameras import CAMERAS, apply_camera
from aliked_ros.starting.dataset import read_dataset_options
from aliked_ros.starting.topics import read_cameras, remap, say_who_is_tracked

Parameters = dict[str, dict[str, object]]

EXIT_DEVICE_LOST = 70  # as in inference/device_loss.py, which imports torch's room


@dataclass(frozen=True)
class NodeProcess:
    """A process of this package.

    Attributes:
        executable: its name.
        is_main: without it there is no odometry, or nothing is left to be played: all others end
            with it, unless it has lost its GPU and starts again.
        uses_gpu: may have lost its GPU, which only a new process can use again.
        enclave: of SROS 2; empty: none.
    """

    executable: str
    is_main: bool
    uses_gpu: bool
    enclave: str = ""

    @property
    def security(self) -> list[str]:
        """Arguments of ROS that put it into its enclave."""
        return ["--enclave", self.enclave] if self.enclave else []

    def starts_again(self, exit_code: int) -> bool:
        """Return whether it is started again after this exit code."""
        return self.uses_gpu and exit_code == EXIT_DEVICE_LOST


@dataclass(frozen=True)
class Plan:
    """What is to be started.

    Attributes:
        given: all arguments, completed by what the camera knows.
        processes: of this package, in the order of their start.
        parameters: node -> parameters that the arguments set.
        remappings: topic of the nodes -> topic that is used.
        with_rviz: whether rviz2 shows the result.
        rviz_frames: its fixed frame, and the one that it follows.
        remark: what a user should know, one sentence; empty: nothing.
    """

    given: dict[str, str]
    processes: list[NodeProcess]
    parameters: Parameters
    remappings: dict[str, str]
    with_rviz: bool
    rviz_frames: tuple[str, str]
    remark: str


def make_plan(arguments: dict[str, str]) -> Plan:
    """Return what the arguments ask for.

    Args:
        arguments: all of ARGUMENTS, by name.

    Raises:
        ValueError: naming the argument, if they cannot hold together.
    """
    given = apply_camera(arguments)
    if given["dataset"] and given["image_transport"] not in ("", "raw"):
        raise ValueError(
            f"image_transport is {given['image_transport']!r} and a dataset is played as raw "
            "images: leave image_transport out"
        )
    cameras = read_cameras(given)
    return Plan(
        given=given,
        processes=_choose_processes(given),
        parameters=choose_parameters(given),
        remappings=remap(given, cameras),
        with_rviz=given["rviz"] == "true",
        rviz_frames=(given["odom_frame"] or "odom", given["base_frame"] or "base_link"),
        remark=say_who_is_tracked(given, cameras),
    )


def parameter_sections(parameters: Parameters) -> dict[str, Parameters]:
    """Return what a parameter file holds; as JSON, which YAML has within itself, it is one.

    It names the nodes as the params_file does: what launch itself passes on for a process of two
    nodes would be for any node (`/**`), and lose against that file.
    """
    return {f"/**/{node}": {"ros__parameters": values} for node, values in parameters.items()}


def _choose_processes(given: dict[str, str]) -> list[NodeProcess]:
    is_composed = given["composed"] == "true" or not (given["composed"] or given["cameras"].strip())
    names = ["composed_node"] if is_composed else ["extractor_node", "tracker_node"]
    processes = [NodeProcess(name, is_main=True, uses_gpu=True) for name in names]
    if given["overlay"] == "true":
        processes.append(NodeProcess("overlay_node", is_main=False, uses_gpu=False))
    if given["view"] == "true":
        processes.append(NodeProcess("view_node", is_main=False, uses_gpu=False))
    if given["record"]:
        processes.append(NodeProcess("recorder_node", is_main=False, uses_gpu=False))
    if given["dataset"]:
        processes.append(NodeProcess("player_node", is_main=True, uses_gpu=False))
    prefix = given["enclaves"].rstrip("/")
    if not prefix:
        return processes
    if not re.fullmatch(r"(/[A-Za-z_]\w*)+", prefix, re.ASCII):
        raise ValueError(f"enclaves is {given['enclaves']!r}: give a path such as /aliked")
    return [
        replace(one, enclave=f"{prefix}/{one.executable.removesuffix('_node')}")
        for one in processes
    ]


def choose_parameters(given: dict[str, str]) -> Parameters:
    """Return node -> the parameters that the arguments set."""
    dataset = given["dataset"]
    transport = {"image_transport": given["image_transport"]}
    chosen: Parameters = {
        "aliked_extractor": {
            **transport,
            "cameras": list(read_cameras(given)) or "",
            "use_mask_topic": bool(given["mask_topic"]) or "",
            **{f"extractor.{name}": given[name] for name in ("model", "weights", "device")},
        },
        "aliked_tracker": {**transport, **_tracker_parameters(given)},
        "aliked_overlay": {**transport},
        "aliked_view": {**transport},
        "aliked_recorder": {
            **transport,
            "format": given["record"],
            "output_dir": given["output_dir"],
        },
        "aliked_player": {
            "dataset": dataset,
            "camera_info": given["camera_info"],
            "sensor": given["sensor"],
            "rate": _number("rate", given["rate"]),
            "clock": given["use_sim_time"] == "true",
            # Extractor, view and bag take the images; a bag that begins later is not whole.
            "num_subscribers": 1 + (given["view"] == "true") + (given["record"] == "bag"),
            **read_dataset_options(given),
        },
    }
    sim_time = {"use_sim_time": given["use_sim_time"] == "true"}
    return {
        node: {name: value for name, value in (parameters | sim_time).items() if value != ""}
        for node, parameters in chosen.items()
    }


def _tracker_parameters(given: dict[str, str]) -> dict[str, object]:
    return {
        "odometry.sensor": given["sensor"],
        "odom_frame": given["odom_frame"],
        "base_frame": given["base_frame"],
        "camera_frame": given["camera_frame"],
        "camera_transform": given["camera_transform"] or ("optical" if given["dataset"] else ""),
        "rectified_images": given["rectified_images"] and given["rectified_images"] == "true",
        "publish_tf": given["publish_tf"] and given["publish_tf"] == "true",
        "device": given["device"],
        "output_dir": given["output_dir"],
        "use_imu": bool(given["imu_topic"]) or "",
        "imu_transform": given["imu_transform"],
        **_choose_slop(given),
        **_choose_scale(given["sensor"], given["scale_odometry_topic"], given["camera_height_m"]),
    }


def _choose_scale(sensor: str, odometry_topic: str, camera_height_m: str) -> dict[str, object]:
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
        height_m = _number("camera_height_m", camera_height_m)
        return {"scale_source": "camera_height", "camera_height_m": height_m}
    return {}


def _choose_slop(given: dict[str, str]) -> dict[str, object]:
    preset = CAMERAS.get(given["camera"])
    return {"sync_slop_s": preset.sync_slop_s} if preset and preset.sync_slop_s else {}


def _number(name: str, text: str) -> float:
    """Return the number that an argument gives."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}: give a number") from None
