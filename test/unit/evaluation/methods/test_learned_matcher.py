"""METHOD+lightglue."""

import hashlib

import pytest
import torch
from lightglue_world import random_state

from aliked_ros.evaluation.methods.learned_matcher import open_with_matcher
from aliked_ros.evaluation.methods.method import Budget, MethodError
from aliked_ros.network import released
from aliked_ros.network.released import WeightsError
from aliked_ros.network.trainable_lightglue import TrainableLightGlue

BUDGET = Budget(50, 0.0, "cpu")


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A folder of weights whose LightGlue is small and random."""
    path = tmp_path / "aliked_lightglue.pth"
    torch.save(random_state(1), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(released.RELEASE_SHA256, released.LIGHTGLUE, digest)
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    return path


@pytest.mark.usefixtures("weights")
def test_it_is_the_method_with_another_matcher_and_the_same_features():
    plain, learned = (
        open_with_matcher(f"aliked-n16:seed:0{suffix}", BUDGET) for suffix in ("", "+lightglue")
    )
    assert plain.matcher.kind == "nearest"
    assert learned.matcher.kind == "lightglue"
    assert learned.name == f"{plain.name}+lightglue"
    assert learned.identity == plain.identity


@pytest.fixture
def small(tmp_path):
    """Weights of one's own, for descriptors of 64 numbers."""
    torch.save(TrainableLightGlue(64, 64, 1).state_dict(), tmp_path / "small.pth")
    return tmp_path / "small.pth"


def test_other_weights_pair_the_features_that_they_are_for(small):
    method = open_with_matcher(f"aliked-t16:seed:0+lightglue:{small}", BUDGET)
    assert method.matcher.weights == str(small)
    assert method.name.endswith("+lightglue:small.pth")
    with pytest.raises(MethodError, match=r"64 numbers; give aliked-t16\+lightglue:"):
        open_with_matcher(f"aliked-n16:seed:0+lightglue:{small}", BUDGET)


@pytest.mark.parametrize("rest", ["x", ":"])
def test_what_stands_behind_lightglue_is_a_file(rest):
    with pytest.raises(MethodError, match=r"give aliked-n16\+lightglue, or .*:FILE"):
        open_with_matcher(f"aliked-n16+lightglue{rest}", BUDGET)


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("method", ["sift", "aliked-t16:seed:0"])
def test_descriptors_of_others_are_refused(method):
    with pytest.raises(MethodError, match=r"128 numbers; give aliked-n16\+lightglue"):
        open_with_matcher(f"{method}+lightglue", BUDGET)


def test_weights_that_are_not_the_released_ones_are_refused_at_once(weights):
    weights.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="SHA-256"):
        open_with_matcher("aliked-n16:seed:0+lightglue", BUDGET)
