"""What `camera:=NAME` fills in."""

from pathlib import Path

import pytest

from aliked_ros.config import SENSORS
from aliked_ros.starting.arguments import ARGUMENTS
from aliked_ros.starting.cameras import CAMERAS, apply_camera, driver_arguments
from aliked_ros.starting.plan import make_plan

PAGES = Path(__file__).parents[3] / "docs" / "cameras"


def given(**chosen):
    return {item.name: item.default for item in ARGUMENTS} | chosen


@pytest.mark.parametrize("name", CAMERAS)
def test_every_camera_names_all_topics_of_its_sensors(name):
    preset = CAMERAS[name]
    needed = {
        "mono": {"image_topic", "camera_info_topic"},
        "rgbd": {"image_topic", "camera_info_topic", "depth_topic"},
        "stereo": {
            "image_topic",
            "camera_info_topic",
            "right_image_topic",
            "right_camera_info_topic",
        },
    }
    assert set(preset.streams) <= set(SENSORS)
    for sensor, stream in preset.streams.items():
        assert set(stream.topics) == needed[sensor]
        assert all(topic.startswith("/") for topic in stream.topics.values())


@pytest.mark.parametrize("name", CAMERAS)
def test_every_camera_has_a_page_with_its_source_topics_and_frame(name):
    page = " ".join((PAGES / f"{name}.md").read_text().split())
    preset = CAMERAS[name]
    assert preset.source in page
    assert f"camera:={name}" in page
    assert preset.base_frame in page
    for stream in preset.streams.values():
        for topic in stream.topics.values():
            assert topic in page
        for argument, value in stream.driver_arguments.items():
            assert f"{argument}:={value}" in page


def test_a_camera_fills_in_topics_sensor_and_frame():
    plan = make_plan(given(camera="realsense"))
    assert plan.remappings["image_raw"] == "/camera/camera/color/image_raw"
    depth = "/camera/camera/aligned_depth_to_color/image_raw"
    assert plan.remappings["depth/image_raw"] == depth
    tracker = plan.parameters["aliked_tracker"]
    assert tracker["odometry.sensor"] == "rgbd"
    assert tracker["base_frame"] == "camera_link"


def test_what_is_given_counts_more_than_the_camera():
    filled = apply_camera(given(camera="realsense", sensor="stereo", image_topic="/mine"))
    assert filled["image_topic"] == "/mine"
    assert filled["camera_info_topic"] == "/camera/camera/infra1/camera_info"
    for own in ({"base_frame": "base_link"}, {"camera_transform": "optical"}):
        assert apply_camera(given(camera="oak", **own)) | own == apply_camera(
            given(camera="oak", **own)
        )
    assert apply_camera(given(camera="oak", camera_transform="optical"))["base_frame"] == ""


def test_a_camera_without_frames_is_the_base():
    assert apply_camera(given(camera="usb_cam"))["camera_transform"] == "optical"


def test_stamps_that_differ_widen_the_slop():
    assert make_plan(given(camera="oak")).parameters["aliked_tracker"]["sync_slop_s"] == 0.02
    assert "sync_slop_s" not in make_plan(given(camera="zed")).parameters["aliked_tracker"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"camera": "usb_cam", "sensor": "rgbd"}, "sensor is 'rgbd'.*'usb_cam'.*give mono"),
        ({"camera": "oak", "dataset": "x"}, "camera is 'oak' and dataset is 'x'"),
        ({"start_camera": "true"}, "start_camera is true and camera is none"),
    ],
)
def test_what_a_camera_cannot_is_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        apply_camera(given(**chosen))


def test_the_driver_gets_what_the_sensor_needs_and_what_the_user_adds():
    filled = apply_camera(given(camera="realsense", camera_arguments="camera_name:=front"))
    assert driver_arguments(filled) == {"align_depth.enable": "true", "camera_name": "front"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "needs camera_model: camera_arguments:=camera_model:=VALUE"),
        ("zed2i", "camera_arguments has 'zed2i': give NAME:=VALUE"),
    ],
)
def test_what_the_driver_lacks_is_named(words, said):
    with pytest.raises(ValueError, match=said):
        driver_arguments(apply_camera(given(camera="zed", camera_arguments=words)))
