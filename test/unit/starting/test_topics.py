"""Several cameras: names, topics, and which of them is tracked."""

import pytest

from aliked_ros.starting.arguments import ARGUMENTS
from aliked_ros.starting.plan import make_plan


def plan(**given):
    return make_plan({item.name: item.default for item in ARGUMENTS} | given)


def moved(**given):
    return {a: b for a, b in plan(**given).remappings.items() if a != b}


@pytest.mark.parametrize("text", ["[front,rear]", "front,rear", "[ 'front', \"rear\" ]"])
def test_several_cameras_have_one_extractor_and_the_first_is_tracked(text):
    made = plan(cameras=text, overlay="false")
    assert made.parameters["aliked_extractor"]["cameras"] == ["front", "rear"]
    assert [one.executable for one in made.processes] == ["extractor_node", "tracker_node"]
    assert made.remark == (
        "the tracker follows front, the first of cameras; features of rear are published and not "
        "tracked"
    )
    assert moved(cameras=text) == {
        "image_raw": "front/image_raw",
        "camera_info": "front/camera_info",
        "depth/image_raw": "front/depth/image_raw",
        "mask": "front/mask",
        "features": "front/features",
    }


def test_one_camera_has_neither_a_name_nor_a_remark():
    assert "cameras" not in plan().parameters["aliked_extractor"]
    assert plan().remark == ""
    assert [one.executable for one in plan(overlay="false").processes] == ["composed_node"]
    assert plan(cameras="[front]").remark == "the tracker follows front, the first of cameras"


def test_of_a_stereo_rig_the_first_two_are_the_pair():
    given = {"cameras": "[rig/left,rig/right,rear]", "sensor": "stereo"}
    made = moved(**given)
    assert made["image_raw"] == "rig/left/image_raw"
    assert made["right/image_raw"] == "rig/right/image_raw"
    assert made["right/camera_info"] == "rig/right/camera_info"
    assert plan(**given).remark == "the tracker follows rig/left (left) with rig/right (right)"
    other = given | {"right_image_topic": "/x", "right_camera_info_topic": "/y"}
    assert moved(**other)["right/image_raw"] == "/x"
    assert "rear are published and not tracked" in plan(**other).remark


def test_where_topics_are_called_otherwise_the_part_behind_the_name_is_given():
    made = moved(cameras="[a,b]", image_topic="image_color", mask_topic="people")
    assert (made["a/image_raw"], made["b/image_raw"]) == ("a/image_color", "b/image_color")
    assert made["image_raw"] == "a/image_color"
    assert (made["a/mask"], made["b/mask"]) == ("a/people", "b/people")
    pair = moved(cameras="[a,b]", image_topic="image_color", sensor="stereo")
    assert pair["right/image_raw"] == "b/image_color"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"composed": "true"}, "composed is true, where a tracker has one camera: leave composed"),
        ({"dataset": "synthetic"}, "dataset is 'synthetic', which is one"),
        ({"camera": "realsense"}, "camera is 'realsense', which is one"),
        ({"image_topic": "/cam"}, "image_topic is '/cam': with several cameras it is the part"),
        ({"cameras": "[a,a]"}, "names must differ"),
        ({"cameras": "[]"}, r"cameras is '\[\]': give names"),
        ({"cameras": "[a b]"}, "'a b' cannot be part of a topic"),
    ],
)
def test_what_several_cameras_cannot_have_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        plan(**({"cameras": "[a,b]"} | given))
