import pytest

from aliked_ros.starting.arguments import ARGUMENTS
from aliked_ros.starting.plan import make_plan


def player(options, dataset="bag"):
    given = {item.name: item.default for item in ARGUMENTS}
    given |= {"dataset": dataset, "dataset_options": options}
    return make_plan(given).parameters["aliked_player"]


def test_options_of_a_dataset_are_parameters_of_the_player_in_their_types():
    made = player("depth_scale:=1 image_width:=320 image_topic:=/cam 'grey_range:=100 4000'")
    expected = {
        "read.depth_scale": 1.0,
        "read.image_width": 320,
        "read.image_topic": "/cam",
        "read.grey_range": "100 4000",
    }
    assert {name: value for name, value in made.items() if name.startswith("read.")} == expected
    assert isinstance(made["read.depth_scale"], float)  # ROS takes no integer for it
    assert not any(name.startswith("read.") for name in player(""))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("depht_scale:=1", "has 'depht_scale:=1': give NAME:=VALUE of layout, rate_hz"),
        ("depth_scale=1", "has 'depth_scale=1': give NAME:=VALUE"),
        ("depth_scale:=mm", "depth_scale is 'mm': give a number"),
        ("image_width:=3.5", "image_width is '3.5': give a whole number"),
        ("depth_scale:=-1", "depth_scale is -1.0: must be at least 0"),
        ("layout:=kiti", "layout is 'kiti': must be one of auto, rosbag2"),
        ("grey_range:='1", "No closing quotation; give 'NAME:=VALUE"),
    ],
)
def test_an_option_that_is_none_is_named(options, said):
    with pytest.raises(ValueError, match=said):
        player(options)


def test_options_without_a_dataset_are_refused():
    with pytest.raises(ValueError, match="dataset is empty: give a dataset"):
        player("depth_scale:=1", dataset="")
