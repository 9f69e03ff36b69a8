from dataclasses import dataclass

import pytest

from aliked_ros import config
from aliked_ros.config import Config, knob


@dataclass(frozen=True)
class Example(Config):
    name: str = knob("a", "never empty", may_be_empty=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "aliked-n17"}, ["ExtractorConfig.model", "'aliked-n17'", "aliked-n16rot"]),
        ({"max_keypoints": 0}, ["max_keypoints", "0", "at least 1"]),
        ({"max_keypoints": 10.5}, ["max_keypoints", "10.5", "int"]),
        ({"max_keypoints": True}, ["max_keypoints", "True", "int"]),
        ({"detection_threshold": float("nan")}, ["detection_threshold", "nan", "finite"]),
        ({"detection_threshold": float("inf")}, ["detection_threshold", "inf", "finite"]),
        ({"detection_threshold": 1.5}, ["detection_threshold", "1.5", "at most 1"]),
        ({"device": 3}, ["device", "3", "str"]),
        ({"device": None}, ["device", "None", "str"]),
    ],
)
def test_a_bad_value_is_refused_with_field_value_and_remedy(changes, words):
    with pytest.raises(ValueError, match="ExtractorConfig") as caught:
        config.ExtractorConfig(**changes)
    assert all(word in str(caught.value) for word in words)


def test_a_whole_number_is_a_float_too():
    assert config.ExtractorConfig(detection_threshold=0).detection_threshold == 0


@pytest.mark.parametrize("name", ["", "  "])
def test_a_string_of_nothing_is_refused_where_something_is_needed(name):
    with pytest.raises(ValueError, match=f"Example.name is '{name}': must not be empty"):
        Example(name=name)
