"""What the launch file makes of its arguments; `launch` itself has no wheel and is replaced."""

import runpy
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

LAUNCH_FILE = Path(__file__).parents[2] / "launch" / "aliked.launch.py"
MODULES = [
    "launch",
    "launch.actions",
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
    share = sys.modules["ament_index_python.packages"]
    share.get_package_share_directory.return_value = "/share"
    return runpy.run_path(str(LAUNCH_FILE))


@pytest.fixture
def choose(launch_file):
    defaults = {name: default for name, default, *_ in launch_file["ARGUMENTS"]}
    return lambda **given: launch_file["choose_parameters"](defaults | given)


def test_arguments_that_are_not_given_set_nothing(choose):
    assert choose()["aliked_tracker"] == {"use_sim_time": False}


def test_an_argument_that_gives_the_scale_chooses_its_source(choose):
    tracker = choose(camera_height_m="1")["aliked_tracker"]
    assert tracker["scale_source"] == "camera_height"
    assert tracker["camera_height_m"] == 1.0
    assert isinstance(tracker["camera_height_m"], float)  # ROS takes no integer for it
    assert choose(scale_odometry_topic="/x")["aliked_tracker"]["scale_source"] == "odometry"


def test_an_imu_topic_turns_the_prior_on(choose):
    assert choose(imu_topic="/imu")["aliked_tracker"]["use_imu"] is True


def test_two_sources_of_scale_are_refused(choose):
    with pytest.raises(ValueError, match=r"'/x' and camera_height_m is '1.65': give one of them"):
        choose(camera_height_m="1.65", scale_odometry_topic="/x")


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
@pytest.mark.parametrize("name", ["camera_height_m", "scale_odometry_topic"])
def test_a_scale_for_a_sensor_that_measures_it_is_refused(choose, sensor, name):
    with pytest.raises(ValueError, match=f"sensor is '{sensor}', .*leave out .*camera_height_m"):
        choose(**{"sensor": sensor, name: "1"})


@pytest.mark.parametrize("name", ["camera_height_m", "rate"])
def test_a_number_that_is_none_is_named(choose, name):
    with pytest.raises(ValueError, match=f"{name} is 'high': give a number"):
        choose(**{name: "high"})


def test_a_process_that_has_lost_its_gpu_is_started_again(launch_file):
    respawn = launch_file["choose_respawn"]
    for executable in ("composed_node", "extractor_node", "tracker_node"):
        assert respawn(executable) == {"respawn": True, "respawn_delay": 2.0}
    # The player ends when its sequence does.
    assert respawn("player_node") == respawn("overlay_node") == {}
