from dataclasses import fields

import pytest

from aliked_ros import config
from aliked_ros.config import companions, nodes, reading
from aliked_ros.config.companions import PlayerConfig
from aliked_ros.config.nodes import CamerasConfig, FramesConfig

CONFIGS = [
    kind
    for module in (config, nodes, companions, reading)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, config.Config) and kind is not config.Config
]


@pytest.mark.parametrize("config_type", CONFIGS)
def test_every_knob_is_described_and_of_a_type_that_ros_parameters_have(config_type):
    assert fields(config_type)
    for item in fields(config_type):
        assert len(item.metadata["description"]) > 10, item.name
        assert type(item.default) in {bool, int, float, str, tuple}, item.name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"odom_frame": ""}, ["odom_frame is ''", "must not be empty"]),
        ({"base_frame": ""}, ["base_frame is ''", "must not be empty"]),
        ({"base_frame": "odom"}, ["base_frame is 'odom'", "so is odom_frame", "its own"]),
        ({"camera_frame": "odom"}, ["camera_frame is 'odom'", "so is odom_frame"]),
        (
            {"camera_frame": "base_link", "camera_transform": "optical"},
            ["camera_frame is 'base_link'", "so is base_frame", "camera_transform"],
        ),
    ],
)
def test_frames_without_a_name_of_their_own_are_refused(changes, words):
    with pytest.raises(ValueError, match="FramesConfig") as caught:
        FramesConfig(**changes)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_camera_may_be_the_base_where_tf_says_so():
    assert FramesConfig(camera_frame="base_link").camera_frame == "base_link"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": ""}, ["dataset is empty", "'synthetic'"]),
        ({"sensor": "sonar"}, ["sensor is 'sonar'", "'', mono, stereo, rgbd"]),
        ({"rate": -1.0}, ["rate is -1.0", "at least 0"]),
        ({"rate": float("nan")}, ["rate is nan", "finite"]),
        ({"stamps": "tomorrow"}, ["stamps is 'tomorrow'", "dataset, now"]),
    ],
)
def test_a_player_is_told_what_is_wrong(changes, words):
    with pytest.raises(ValueError, match="PlayerConfig") as caught:
        PlayerConfig(**{"dataset": "synthetic", **changes})
    assert all(word in str(caught.value) for word in words), caught.value


def test_several_cameras_have_names_that_topics_may_have():
    assert CamerasConfig().names == ()
    assert CamerasConfig(cameras=("front", "rig/left")).names == ("front", "rig/left")
    for names, words in (
        (("a b",), "'a b' cannot be part of a topic"),
        (("x", "x"), "must differ"),
    ):
        with pytest.raises(ValueError, match=words):
            CamerasConfig(cameras=names)
    with pytest.raises(ValueError, match="must be of type list"):
        CamerasConfig(cameras="front")


def test_times_and_rates_are_of_a_size_that_clocks_can_count():
    for config_type in CONFIGS:
        for item in fields(config_type):
            if item.name.endswith(("_s", "_hz")):
                assert item.metadata["maximum"] is not None, item.name
    with pytest.raises(ValueError, match=r"rate is 1e-300: must be 0 or at least 0\.001"):
        PlayerConfig(dataset="synthetic", rate=1e-300)
