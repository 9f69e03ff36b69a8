"""What the launch file makes of a plan; `launch` itself has no wheel and is replaced."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import yaml

from aliked_ros.starting.arguments import ARGUMENTS
from aliked_ros.starting.plan import NodeProcess, make_plan

LAUNCH_FILE = Path(__file__).parents[2] / "launch" / "aliked.launch.py"
MODULES = [
    "launch",
    "launch.actions",
    "launch.launch_description_sources",
    "launch.substitutions",
    "launch_ros",
    "launch_ros.actions",
    "ament_index_python",
    "ament_index_python.packages",
]


@pytest.fixture
def launch_file(monkeypatch):
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, MagicMock())
    packages = sys.modules["ament_index_python.packages"]
    packages.get_package_share_directory.return_value = "/share"
    packages.PackageNotFoundError = KeyError
    return runpy.run_path(str(LAUNCH_FILE))


def plan(**given):
    return make_plan({item.name: item.default for item in ARGUMENTS} | given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rviz": "true"}, r"rviz is true and rviz2 is not installed: sudo apt install"),
        (
            {"camera": "realsense", "start_camera": "true"},
            r"start_camera is true and realsense2_camera .* ros-\$ROS_DISTRO-realsense2-camera",
        ),
    ],
)
def test_nothing_starts_without_a_package_that_is_asked_for(launch_file, given, said):
    sys.modules["ament_index_python.packages"].get_package_prefix.side_effect = KeyError
    with pytest.raises(RuntimeError, match=said):
        launch_file["require_packages"](plan(**given))


def test_nothing_is_asked_for_that_is_not_used(launch_file):
    sys.modules["ament_index_python.packages"].get_package_prefix.side_effect = KeyError
    launch_file["require_packages"](plan(dataset="synthetic"))


@pytest.mark.parametrize(
    ("executable", "code", "ends"),
    [
        ("composed_node", 1, True),
        ("composed_node", 0, True),
        ("composed_node", 70, False),  # has lost its GPU and is started again
        ("player_node", 0, True),
        ("overlay_node", 1, False),
    ],
)
def test_a_launch_ends_with_what_it_needs(launch_file, executable, code, ends):
    process = {item.executable: item for item in plan(dataset="x").processes}[executable]
    actions = launch_file["end_with"](process)(SimpleNamespace(returncode=code), None)
    assert bool(actions) is ends


def test_a_process_that_may_lose_its_gpu_is_started_again(launch_file):
    launch_file["start_nodes"](plan(dataset="x"))
    respawn = {
        call.kwargs["executable"]: call.kwargs["respawn"]
        for call in sys.modules["launch_ros.actions"].Node.call_args_list
    }
    assert respawn == {"composed_node": True, "overlay_node": False, "player_node": False}
    assert NodeProcess("x", is_main=True, uses_gpu=True).starts_again(70)


def test_rviz_follows_the_frames_that_are_named(launch_file, tmp_path):
    view = (LAUNCH_FILE.parents[1] / "config" / "aliked.rviz").read_text()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "aliked.rviz").write_text(view)
    launch_file["start_rviz"].__globals__["SHARE"] = tmp_path
    launch_file["start_rviz"](plan(rviz="true", base_frame="chassis", odom_frame="local"))
    (call,) = sys.modules["launch_ros.actions"].Node.call_args_list
    option, path = call.kwargs["arguments"]
    manager = yaml.safe_load(Path(path).read_text())["Visualization Manager"]
    assert option == "-d"
    assert manager["Global Options"]["Fixed Frame"] == "local"
    assert manager["Views"]["Current"]["Target Frame"] == "chassis"


def test_a_view_without_rerun_is_said_before_anything_starts(launch_file, monkeypatch):
    monkeypatch.setenv("ALIKED_VIEW_PYTHON", "/nowhere/python")
    with pytest.raises(RuntimeError, match="/nowhere/python"):
        launch_file["require_packages"](plan(view="true"))


def test_it_is_said_which_of_several_cameras_is_tracked(launch_file):
    configuration = sys.modules["launch.substitutions"].LaunchConfiguration
    given = {item.name: item.default for item in ARGUMENTS} | {"cameras": "[front,rear]"}
    configuration.side_effect = lambda name: SimpleNamespace(perform=lambda _: given[name])
    launch_file["start_all"](None)
    said = sys.modules["launch.actions"].LogInfo.call_args.kwargs["msg"]
    assert "the tracker follows front" in said
    nodes = [call.kwargs for call in sys.modules["launch_ros.actions"].Node.call_args_list]
    assert [one["executable"] for one in nodes] == [
        "extractor_node",
        "tracker_node",
        "overlay_node",
    ]
    assert ("features", "front/features") in nodes[0]["remappings"]
