import pytest

from aliked_ros.config import MatcherConfig
from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice


def test_each_kind_has_a_threshold_that_suits_its_descriptors():
    aliked, sift, orb = (FeatureChoice.parse(name, 500) for name in ("aliked-n16", "sift", "orb"))
    assert aliked.matcher == MatcherConfig()
    assert aliked.min_similarity < orb.min_similarity < sift.min_similarity
    assert {aliked.max_keypoints, sift.max_keypoints, orb.max_keypoints} == {500}


def test_a_kind_can_have_knobs_of_its_own():
    choice = FeatureChoice.parse("orb@max_keypoints=1500,min_similarity=0.4", 500)
    assert choice == FeatureChoice("orb@max_keypoints=1500,min_similarity=0.4", "orb", 1500, 0.4)
    assert FeatureChoice.parse("aliked-n16", 500, 0.1).detection_threshold == 0.1
    text = "aliked-n16@detection_threshold=0.3"
    assert FeatureChoice.parse(text, 500, 0.1).detection_threshold == 0.3
    assert FeatureChoice.parse("aliked-n16@spread_from=900", 500).spread_from == 900


@pytest.mark.parametrize(
    "text", ["sift@ratio=0.8", "sift@max_keypoints=many", "sift@max_keypoints"]
)
def test_a_knob_that_is_not_one_is_named(text):
    with pytest.raises(ValueError, match=text.partition("@")[2]):
        FeatureChoice.parse(text, 500)
