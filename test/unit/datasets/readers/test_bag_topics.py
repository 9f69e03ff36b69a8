from pathlib import Path

import pytest

from aliked_ros.datasets.readers.bag_topics import choose_topics, info_topic
from aliked_ros.datasets.sequence import DatasetError

BAG = Path("walk")


def test_a_single_image_topic_is_taken():
    assert choose_topics(BAG, ["/camera/image_raw"], {}) == {"image": "/camera/image_raw"}


def test_a_stereo_pair_is_told_apart():
    roles = choose_topics(BAG, ["/cam1/image_raw", "/cam0/image_raw"], {})
    assert roles == {"image": "/cam0/image_raw", "right_image": "/cam1/image_raw"}


def test_colour_and_aligned_depth_are_preferred():
    topics = [
        "/camera/aligned_depth_to_color/image_raw",
        "/camera/color/image_raw",
        "/camera/color/image_raw/compressed",
        "/camera/depth/image_rect_raw",
    ]
    roles = choose_topics(BAG, topics, {})
    assert roles == {
        "image": "/camera/color/image_raw",
        "depth": "/camera/aligned_depth_to_color/image_raw",
    }


def test_a_right_camera_alone_is_the_image():
    assert choose_topics(BAG, ["/right/image_raw"], {}) == {"image": "/right/image_raw"}


def test_an_argument_beats_the_choice():
    roles = choose_topics(BAG, ["/a/image", "/b/image"], {"image": "/b/image"})
    assert roles["image"] == "/b/image"


@pytest.mark.parametrize("wanted", [{"image": "/c"}, {"sound": "/a/image"}])
def test_an_argument_that_the_bag_lacks_is_named(wanted):
    with pytest.raises(DatasetError, match=r"walk.*/a/image"):
        choose_topics(BAG, ["/a/image"], wanted)


def test_a_bag_without_images_is_an_error():
    with pytest.raises(DatasetError, match="no image topic"):
        choose_topics(BAG, [], {})


def test_camera_info_is_looked_for_beside_the_image():
    infos = ["/left/camera_info", "/right/camera_info"]
    assert info_topic("/left/image_raw", infos) == "/left/camera_info"
    assert info_topic("/left/image_raw/compressed", infos) == "/left/camera_info"
    assert info_topic("/other/image", infos) == ""
    assert info_topic("/other/image", infos[:1]) == "/left/camera_info"
    assert info_topic("", infos[:1]) == ""
