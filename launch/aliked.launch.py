"""The whole pipeline: camera or dataset -> features -> odometry; overlay, rviz, page on demand."""

import json
import tempfile
from pathlib import Path

from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
)
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from aliked_ros.starting.arguments import ARGUMENTS
from aliked_ros.starting.cameras import CAMERAS, driver_arguments
from aliked_ros.starting.plan import NodeProcess, Plan, make_plan, parameter_sections
from aliked_ros.starting.rviz_view import rviz_view
from aliked_ros.starting.transport import has_profile, profile_variable
from aliked_ros.view.viewer import find_python

SHARE = Path(get_package_share_directory("aliked_ros"))


def generate_launch_description() -> LaunchDescription:
    """Describe arguments and nodes."""
    profile = str(SHARE / "config" / "fastdds_large_images.xml")
    return LaunchDescription(
        ([] if has_profile() else [SetEnvironmentVariable(profile_variable(), profile)])
        + [
            DeclareLaunchArgument(
                name,
                default_value=default,
                description=description,
                **({"choices": list(choices)} if choices else {}),
            )
            for name, default, choices, description in ARGUMENTS
        ]
        + [OpaqueFunction(function=start_all)]
    )


def start_all(context: LaunchContext) -> list[object]:
    """Return what the arguments ask for; nothing starts if a part of it is not installed."""
    plan = make_plan(
        {item.name: LaunchConfiguration(item.name).perform(context) for item in ARGUMENTS}
    )
    require_packages(plan)
    driver = [include_driver(plan)] if plan.given["start_camera"] == "true" else []
    remark = [LogInfo(msg=plan.remark)] if plan.remark else []
    return [*remark, *driver, *start_nodes(plan), *([start_rviz(plan)] if plan.with_rviz else [])]


def require_packages(plan: Plan) -> None:
    """Raise in one sentence if a package that is asked for is not installed."""
    if plan.given["view"] == "true":
        find_python()
    wanted = {"rviz2": "rviz is true"} if plan.with_rviz else {}
    if plan.given["start_camera"] == "true":
        wanted[CAMERAS[plan.given["camera"]].package] = "start_camera is true"
    for package, why in wanted.items():
        try:
            get_package_prefix(package)
        except PackageNotFoundError:
            key = package.replace("_", "-")
            raise RuntimeError(
                f"{why} and {package} is not installed: sudo apt install ros-$ROS_DISTRO-{key}, "
                "or leave the argument out"
            ) from None


def start_nodes(plan: Plan) -> list[Node]:
    """Return the nodes of this package."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        json.dump(parameter_sections(plan.parameters), file)
    params_file = plan.given["params_file"] or str(SHARE / "config" / "aliked.yaml")
    return [
        Node(
            package="aliked_ros",
            executable=process.executable,
            namespace=plan.given["namespace"],
            parameters=[params_file, file.name],
            remappings=list(plan.remappings.items()),
            ros_arguments=["--log-level", plan.given["log_level"], *process.security],
            output="screen",
            emulate_tty=True,
            respawn=process.uses_gpu,
            respawn_delay=2.0,
            on_exit=end_with(process),
        )
        for process in plan.processes
    ]


def end_with(process: NodeProcess):
    """Return what ends the launch with a process that the others need."""

    def on_exit(event, context):
        if not process.is_main or process.starts_again(event.returncode):
            return []
        return [Shutdown(reason=f"{process.executable} has ended with {event.returncode}")]

    return on_exit


def include_driver(plan: Plan) -> IncludeLaunchDescription:
    """Return the launch file of the camera's driver."""
    camera = CAMERAS[plan.given["camera"]]
    path = Path(get_package_share_directory(camera.package), "launch", camera.launch_file)
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(path)),
        launch_arguments=driver_arguments(plan.given).items(),
    )


def start_rviz(plan: Plan) -> Node:
    """Return rviz2 with our view, for the frames that the arguments name."""
    view = (SHARE / "config" / "aliked.rviz").read_text(encoding="utf-8")
    with tempfile.NamedTemporaryFile("w", suffix=".rviz", delete=False) as file:
        file.write(rviz_view(view, *plan.rviz_frames))
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=plan.given["namespace"],
        parameters=[{"use_sim_time": plan.given["use_sim_time"] == "true"}],
        arguments=["-d", file.name],
    )
