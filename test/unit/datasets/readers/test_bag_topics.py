from pathlib import Path
from types import SimpleNamespace

import pytest

from aliked_ros.datasets.readers.bag_topics import (
    choose_topics,
    info_topic,
    is_rectified_by_name,
    kind_of,
    not_used,
)
from aliked_ros.datasets.sequence import DatasetError

BAG = Path("walk")


def _kinds(*images, depths=()):
    return dict.fromkeys(images, "image") | dict.fromkeys(depths, "depth")


def test_a_single_image_topic_is_taken():
    assert choose_topics(BAG, _kinds("/camera/image_raw"), {}) == {"image": "/camera/image_raw"}


def test_a_stereo_pair_is_told_apart():
    roles = choose_topics(BAG, _kinds("/cam1/image_raw", "/cam0/image_raw"), {})
    assert roles == {"image": "/cam0/image_raw", "right_image": "/cam1/image_raw"}


def test_colour_and_aligned_depth_are_preferred():
    topics = _kinds(
        "/camera/color/image_raw",
        "/camera/color/image_raw/compressed",
        depths=("/camera/depth/image_rect_raw", "/camera/aligned_depth_to_color/image_raw"),
    )
    roles = choose_topics(BAG, topics, {})
    assert roles == {
        "image": "/camera/color/image_raw",
        "depth": "/camera/aligned_depth_to_color/image_raw",
    }


def test_a_right_camera_alone_is_the_image():
    assert choose_topics(BAG, _kinds("/right/image_raw"), {}) == {"image": "/right/image_raw"}


def test_an_argument_beats_the_choice():
    roles = choose_topics(BAG, _kinds("/a/image", "/b/image"), {"image": "/b/image"})
    assert roles["image"] == "/b/image"


@pytest.mark.parametrize("wanted", [{"image": "/c"}, {"sound": "/a/image"}])
def test_an_argument_that_the_bag_lacks_is_named(wanted):
    with pytest.raises(DatasetError, match=r"walk.*/a/image"):
        choose_topics(BAG, _kinds("/a/image"), wanted)


def _image(encoding):
    return SimpleNamespace(encoding=encoding)


def _packed(format):
    return SimpleNamespace(format=format)


@pytest.mark.parametrize(
    ("topic", "message", "kind"),
    [
        ("/depthai/rgb/image_raw", _image("rgb8"), "image"),
        ("/depthai/stereo/image_raw", _image("16UC1"), "depth"),
        ("/camera/depth/image_rect_raw", _image("mono16"), "depth"),
        ("/depth_camera/mono/image_raw", _image("mono16"), "image"),
        ("/ir/image_raw", _image("16UC1"), "image"),
        ("/thermal/image_raw", _image("32FC1"), "image"),
        ("/camera/depth/image", _image("32FC1"), "depth"),
        ("/x/image_raw/compressedDepth", _packed("16UC1; compressedDepth png"), "depth"),
        ("/x/depth/image/compressed", _packed("16UC1; png compressed "), "depth"),
        ("/depthai/rgb/image_raw/compressed", _packed("rgb8; jpeg compressed bgr8"), "image"),
        ("/silent/image_raw", None, ""),
    ],
)
def test_encoding_and_the_end_of_the_name_tell_depth(topic, message, kind):
    assert kind_of(topic, message) == kind


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("/stereo/left/image_raw", "/stereo/right/image_raw"),
        ("/left/rgb/image/compressed", "/right/rgb/image/compressed"),
        ("/kitti/camera_color_left/image_raw", "/kitti/camera_color_right/image_raw"),
        ("/camera/infra1/image_rect_raw", "/camera/infra2/image_rect_raw"),
        ("/cam_0", "/cam_1"),
    ],
)
def test_a_pair_is_told_by_its_names(left, right):
    assert choose_topics(BAG, _kinds(right, left), {}) == {"image": left, "right_image": right}


def test_an_image_of_another_camera_is_no_right_image():
    kinds = _kinds("/camera/color/image_raw", "/camera/infra2/image_rect_raw")
    roles = choose_topics(BAG, kinds, {})
    assert roles == {"image": "/camera/color/image_raw"}
    (remark,) = not_used(roles, kinds)
    assert "not used: /camera/infra2/image_rect_raw" in remark


def test_a_robots_name_says_nothing_about_a_camera():
    assert choose_topics(BAG, _kinds("/right_arm/color/image_raw"), {}) == {
        "image": "/right_arm/color/image_raw"
    }


def test_a_wanted_topic_is_found_without_its_transport():
    roles = choose_topics(BAG, _kinds("/a/image/compressed", "/b"), {"image": "/a/image"})
    assert roles["image"] == "/a/image/compressed"


@pytest.mark.parametrize(
    ("topic", "is_rectified"),
    [
        ("/left/image_rect", True),
        ("/left/image_rect_color/compressed", True),
        ("/left/image_raw", False),
        ("/image_rect/image_raw", False),
    ],
)
def test_names_tell_rectified_images(topic, is_rectified):
    assert is_rectified_by_name(topic) is is_rectified


def test_a_bag_without_images_is_an_error():
    with pytest.raises(DatasetError, match="no image topic"):
        choose_topics(BAG, {}, {})


def test_camera_info_is_looked_for_beside_the_image():
    infos = ["/left/camera_info", "/right/camera_info"]
    assert info_topic("/left/image_raw", infos) == "/left/camera_info"
    assert info_topic("/left/image_raw/compressed", infos) == "/left/camera_info"
    assert info_topic("/other/image", infos) == ""
    assert info_topic("/other/image", infos[:1]) == "/left/camera_info"
    assert info_topic("", infos[:1]) == ""
