"""The weights that come with the package: what they are, and when they are taken."""

import logging

import pytest
import torch

from aliked_ros.config import ExtractorConfig
from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget, MethodError
from aliked_ros.extractor import Extractor
from aliked_ros.network import packaged
from aliked_ros.network.packaged import PACKAGED_FILE, PACKAGED_MODEL, load_some_network
from aliked_ros.network.weights import NoWeightsError, WeightsError, sha256_of
from aliked_ros.synthetic.room import SyntheticRoom


@pytest.fixture
def offline(monkeypatch):
    """A machine without released weights that reaches nothing."""

    def nothing(model, weights):
        raise NoWeightsError(f"no weights for {model}")

    monkeypatch.setattr(packaged, "load_network", nothing)
    monkeypatch.setattr(packaged, "_warned", set())


def test_packaged_weights_are_small_and_finite():
    assert PACKAGED_FILE.stat().st_size <= 1_000_000
    network, weights_id = load_some_network(PACKAGED_MODEL, "package")
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    assert not network.training
    assert weights_id == f"package-{sha256_of(PACKAGED_FILE)[:8]}"


def test_packaged_weights_are_trained():
    """Their keypoints and descriptors survive a shift by whole pixels, unlike random ones."""
    room_image = SyntheticRoom(seed=0, width=320, height=240, num_frames=1).read(0).image
    extractor = Extractor(ExtractorConfig(model=PACKAGED_MODEL, weights="package"))
    features0 = extractor(room_image[:-32, :-32])
    features1 = extractor(room_image[32:, 32:])
    similarities = features0.descriptors @ features1.descriptors.T
    found = features0.keypoints - features1.keypoints[similarities.argmax(dim=1)]
    is_right = (found - 32).norm(dim=1) < 2
    is_seen_twice = (features0.keypoints > 40).all(dim=1)
    assert len(features0) > 100
    assert is_right[is_seen_twice].float().mean() > 0.7


@pytest.mark.parametrize("model", ["aliked-t16", "aliked-n16"])
def test_without_released_weights_the_packaged_ones_are_taken_and_it_is_said_once(
    offline, caplog, model
):
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            extractor = Extractor(ExtractorConfig(model=model))
            assert extractor.model == PACKAGED_MODEL
            assert extractor.weights_id.startswith("package-")
    assert [record.message.count(f"no weights for {model}") for record in caplog.records] == [1]


def test_packaged_weights_of_another_model_are_an_error():
    with pytest.raises(WeightsError, match=r"model is 'aliked-n16'.*set model to that"):
        load_some_network("aliked-n16", "package")


def test_weights_that_were_named_are_never_replaced(tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.pth"):
        load_some_network("aliked-t16", str(tmp_path / "absent.pth"))


@pytest.mark.parametrize("model", ["aliked-t16", "aliked-n16"])
def test_a_comparison_takes_no_other_weights(offline, model):
    with pytest.raises(MethodError, match=f"{model}:FILE"):
        open_method(model, Budget())
