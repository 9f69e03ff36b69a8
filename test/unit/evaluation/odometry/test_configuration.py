import pytest

from aliked_ros.config import OdometryConfig
from aliked_ros.evaluation.odometry.configuration import Configuration


def test_a_configuration_changes_the_knobs_that_it_names_and_no_other():
    wide = Configuration.parse("wide@window-size=25,keyframe_displacement_of_width=0.2")
    common = OdometryConfig(sensor="rgbd", seed=2, min_inliers=20)
    assert wide.name == "wide"
    assert wide.of(common) == OdometryConfig(
        sensor="rgbd", seed=2, min_inliers=20, window_size=25, keyframe_displacement_of_width=0.2
    )


def test_a_name_alone_changes_nothing():
    assert Configuration.parse("default").of(OdometryConfig()) == OdometryConfig()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("wide@window=25", r"'window=25': the knobs are .*window_size"),
        ("wide@window_size=many", "window_size takes a value of type int"),
        ("wide@window_size", "window_size takes a value of type int"),
        ("wide@window_size=0", "window_size is 0: must be at least 1"),
        ("wide@seed=3", "'seed=3'"),
        ("@window_size=3", "has no name"),
    ],
)
def test_what_cannot_be_configured_is_named(text, reason):
    with pytest.raises(ValueError, match=reason) as error:
        Configuration.parse(text)
    assert repr(text) in str(error.value)
