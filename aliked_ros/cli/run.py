"""run: the nodes, as `ros2 launch` and `ros2 run` start them, where there is no `ros2`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from aliked_ros.cli.processes import Command, run_processes
from aliked_ros.starting.arguments import describe_arguments, read_arguments
from aliked_ros.starting.plan import Plan, make_plan, parameter_sections
from aliked_ros.starting.rviz_view import rviz_view
from aliked_ros.view.viewer import find_python

DESCRIPTION = "Start the pipeline, or one node, with the arguments of the launch file."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--show-args", action="store_true", help="list the arguments of the pipeline"
    )
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="ARGUMENT",
        help="NAME:=VALUE of the launch file; or a node (extractor_node, tracker_node, "
        "composed_node, overlay_node, player_node, recorder_node) and what `ros2 run` takes "
        "after it",
    )


def run(options: argparse.Namespace) -> int:
    """Start what is asked for and wait for it.

    Returns:
        0 after Ctrl-C or when a dataset was played, else the exit code of what ended first.

    Raises:
        ValueError: naming the argument that is wrong.
        OSError: if the nodes, or rviz2, are not installed.
    """
    if options.show_args:
        print(describe_arguments())
        return 0
    words = list(options.words)
    if words and ":=" not in words[0] and not words[0].startswith("-"):
        executable = find_node(words[0])
        return run_processes(
            [
                Command(
                    words[0], [sys.executable, str(executable), *words[1:]], lambda _: False, True
                )
            ]
        )
    plan = make_plan(read_arguments(words))
    if plan.given["start_camera"] == "true":
        raise ValueError("start_camera is true, which needs ros2 launch: start the driver yourself")
    if plan.remark:
        print(plan.remark, file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parameters = json.dumps(parameter_sections(plan.parameters))
        (folder / "parameters.yaml").write_text(parameters, encoding="utf-8")
        return run_processes(_commands(plan, folder))


def _commands(plan: Plan, folder: Path) -> list[Command]:
    """Return the command lines; raise before anything starts if one of them is not there.

    Args:
        plan: what is started.
        folder: with parameters.yaml; gets the view of rviz.
    """
    ros_arguments = [*_in_namespace(plan), "--log-level", plan.given["log_level"]]
    nodes = [find_node(process.executable) for process in plan.processes]
    share = nodes[0].parents[2] / "share" / "aliked_ros" / "config"
    own = str(folder / "parameters.yaml")
    for file in (plan.given["params_file"] or str(share / "aliked.yaml"), own):
        ros_arguments += ["--params-file", file]
    for source, target in plan.remappings.items():
        if source != target:
            ros_arguments += ["-r", f"{source}:={target}"]
    commands = [
        Command(
            process.executable,
            [sys.executable, str(path), *ros_arguments, *process.security],
            process.starts_again,
            process.is_main,
        )
        for process, path in zip(plan.processes, nodes, strict=True)
    ]
    if plan.given["view"] == "true":
        find_python()
    if plan.with_rviz:
        rviz = shutil.which("rviz2")
        if rviz is None:
            raise FileNotFoundError(
                "rviz is true and rviz2 is not installed: leave rviz out, or source a ROS that "
                "has it"
            )
        view = (share / "aliked.rviz").read_text(encoding="utf-8")
        (folder / "aliked.rviz").write_text(rviz_view(view, *plan.rviz_frames), encoding="utf-8")
        words = [rviz, "-d", str(folder / "aliked.rviz"), *_in_namespace(plan)]
        commands.append(Command("rviz2", words, lambda _: False, is_main=False))
    return commands


def _in_namespace(plan: Plan) -> list[str]:
    namespace = plan.given["namespace"].strip("/")
    return ["--ros-args", *(["-r", f"__ns:=/{namespace}"] if namespace else [])]


def find_node(name: str) -> Path:
    """Return the installed executable of a node."""
    prefixes = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(":")]
    folders = [prefix / "lib" / "aliked_ros" for prefix in prefixes]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    known = sorted({path.name for folder in folders for path in folder.glob("*_node")})
    if known:
        raise ValueError(f"{name} is no node of aliked_ros: give one of {', '.join(known)}")
    raise FileNotFoundError(
        "the nodes are not installed in this shell: source scripts/activate.sh, or "
        "install/setup.bash of your workspace"
    )
