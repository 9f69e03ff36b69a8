import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.config.catalogue import parameters_of
from aliked_ros.config.companions import PlayerConfig
from aliked_ros.config.reading import ReadingConfig
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.nodes.player.opening import find_remarks, in_words_of_ros, open_dataset
from aliked_ros.synthetic.room import SyntheticRoom

PACKAGE = Path(__file__).parents[4] / "aliked_ros"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    room = SyntheticRoom(width=64, height=48, num_frames=2)
    made = tmp_path_factory.mktemp("tum")
    write_tum(room, made)
    return made


def test_a_dataset_is_read_as_the_parameters_say(folder):
    player = PlayerConfig(dataset=str(folder))
    plain = open_dataset(player, ReadingConfig())
    told = open_dataset(player, ReadingConfig(depth_scale=0.001, image_width=32))
    assert plain.read(0).image.shape[:2] == (48, 64)
    assert told.read(0).image.shape[:2] == (24, 32)
    ratio = np.nanmedian(told.read(0).depth_m) / np.nanmedian(plain.read(0).depth_m)
    assert ratio == pytest.approx(5, rel=0.1)  # 0.001 m for 1 / 5000 m


def test_what_is_odd_is_told_with_the_parameter_that_mends_it(folder):
    sequence = open_dataset(
        PlayerConfig(dataset=str(folder)), ReadingConfig(depth_scale=1.0, rate_hz=5)
    )
    remarks = find_remarks(sequence, "rgbd")
    assert "a rate of 5 Hz is not used: there are stamps" in remarks
    assert any("read.depth_scale" in one for one in remarks)
    assert find_remarks(open_dataset(PlayerConfig(dataset=str(folder)), ReadingConfig()), "") == []
    (folder / "camera_info.yaml").unlink()
    without = open_dataset(PlayerConfig(dataset=str(folder)), ReadingConfig())
    (said,) = find_remarks(without, "")
    assert said.startswith("no camera_info is published: ")
    assert "--" not in said


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ({"image_topic": "/cam"}, "topics and stamps 'header' are of bags"),
        ({"layout": "kitti"}, "is not a sequence"),
        ({"image_width": 7}, "image_width is 7"),
    ],
)
def test_what_a_dataset_cannot_do_is_refused(folder, reading, said):
    with pytest.raises(ValueError, match=said):
        open_dataset(PlayerConfig(dataset=str(folder)), ReadingConfig(**reading))


def test_a_sensor_that_a_dataset_cannot_serve_is_refused(folder):
    with pytest.raises(ValueError, match="sensor 'stereo' was asked for"):
        open_dataset(PlayerConfig(dataset=str(folder), sensor="stereo"), ReadingConfig())


def test_every_option_that_a_reader_names_is_a_parameter_of_the_player():
    names = {entry.name for entry in parameters_of("aliked_player")}
    found = set()
    for path in (PACKAGE / "datasets").rglob("*.py"):
        found |= set(re.findall(r"--[a-z][a-z-]*", path.read_text()))
    assert {"--camera-info", "--depth-topic", "--topic"} <= found
    for option in found - {"--src", "--dst"}:
        assert in_words_of_ros(f"give {option}!").removeprefix("give ")[:-1] in names, option
    assert in_words_of_ros("rosbags-convert --src a --dst b") == "rosbags-convert --src a --dst b"
