import pytest

from aliked_ros.config import ScaleConfig


def test_the_height_of_the_camera_must_be_given_where_it_is_the_scale():
    with pytest.raises(ValueError, match=r"scale_source is 'camera_height' .* is 0: give the"):
        ScaleConfig(scale_source="camera_height")
    assert ScaleConfig(scale_source="camera_height", camera_height_m=1.5).camera_height_m == 1.5
