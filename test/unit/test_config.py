from dataclasses import fields

import pytest

from aliked_ros import config


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "aliked-n17"}, ["ExtractorConfig.model", "'aliked-n17'", "aliked-n16rot"]),
        ({"max_keypoints": 0}, ["max_keypoints", "0", "at least 1"]),
        ({"max_keypoints": 10.5}, ["max_keypoints", "10.5", "int"]),
        ({"max_keypoints": True}, ["max_keypoints", "True", "int"]),
        ({"detection_threshold": float("nan")}, ["detection_threshold", "nan", "finite"]),
        ({"detection_threshold": 1.5}, ["detection_threshold", "1.5", "at most 1"]),
        ({"device": 3}, ["device", "3", "str"]),
    ],
)
def test_a_bad_value_is_refused_with_field_value_and_remedy(changes, words):
    with pytest.raises(ValueError, match="ExtractorConfig") as caught:
        config.ExtractorConfig(**changes)
    assert all(word in str(caught.value) for word in words)


def test_a_whole_number_is_a_float_too():
    assert config.ExtractorConfig(detection_threshold=0).detection_threshold == 0


@pytest.mark.parametrize(
    "config_type", [config.ExtractorConfig, config.MatcherConfig, config.OdometryConfig]
)
def test_every_knob_is_described_and_of_a_type_that_ros_parameters_have(config_type):
    for item in fields(config_type):
        assert len(item.metadata["description"]) > 10, item.name
        assert type(item.default) in {bool, int, float, str}, item.name
