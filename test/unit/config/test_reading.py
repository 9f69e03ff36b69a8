from dataclasses import fields

from aliked_ros.config.reading import LAYOUTS, ReadingConfig
from aliked_ros.datasets import LAYOUTS as READ
from aliked_ros.datasets import Options


def test_the_player_reads_as_the_library_does_unless_it_is_told():
    own, options = ReadingConfig(), Options()
    shared = {item.name for item in fields(Options)} & {item.name for item in fields(own)}
    assert {"stamps", "depth_scale", "max_megapixels", "grey_range", "image_width"} <= shared
    for name in shared - {"rectified_images"}:
        assert getattr(own, name) == getattr(options, name), name
    assert own.topics == {}
    assert ("auto", *READ) == LAYOUTS


def test_topics_that_are_given_are_named_by_their_role():
    config = ReadingConfig(image_topic="/a", right_camera_info_topic="/b")
    assert config.topics == {"image": "/a", "right_camera_info": "/b"}
