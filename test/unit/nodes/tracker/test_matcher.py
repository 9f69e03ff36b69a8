import pytest
import torch
from lightglue_world import random_features, random_state

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import match
from aliked_ros.nodes.tracker.matcher import prepare_matcher

CPU = torch.device("cpu")


def test_the_network_is_there_before_the_first_image(tmp_path):
    path = tmp_path / "own.pth"
    torch.save(random_state(1), path)
    config = MatcherConfig(kind="lightglue", weights=str(path))
    prepare_matcher(config, CPU)
    path.unlink()
    features = random_features(9, 0)
    assert len(match(features, features, config)) > 0


def test_missing_weights_are_refused_with_parameter_file_and_remedy(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"^matcher.kind is 'lightglue' and matcher.weights is '.*absent.pth': .* no such "
        r"file.* or set matcher.kind to 'nearest'$",
    ):
        prepare_matcher(MatcherConfig(kind="lightglue", weights=str(tmp_path / "absent.pth")), CPU)
