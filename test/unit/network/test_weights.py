"""A checkpoint becomes a network, or it is said why not; the packaged one as last resort."""

import hashlib
import logging
from pathlib import Path

import pytest
import torch

from aliked_ros.config import ExtractorConfig
from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget, MethodError
from aliked_ros.extractor import Extractor
from aliked_ros.network import weights
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.released import RELEASE_SHA256, NoWeightsError, WeightsError, sha256_of
from aliked_ros.network.weights import (
    PACKAGED_FILE,
    PACKAGED_MODEL,
    load_network,
    load_some_network,
)
from aliked_ros.synthetic.room import SyntheticRoom

MODEL = "aliked-t16"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file with parameters of MODEL."""
    path = tmp_path / "own.pth"
    torch.save(ALIKED.from_seed(MODEL, 7).state_dict(), path)
    return path


def test_loaded_network_holds_the_parameters_and_is_named_by_checksum(checkpoint):
    network, weights_id = load_network(MODEL, str(checkpoint))
    expected = ALIKED.from_seed(MODEL, 7).state_dict()
    assert not network.training
    assert weights_id == f"unknown-{hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:8]}"
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_seed_gives_an_untrained_network_without_any_file():
    network, weights_id = load_network(MODEL, "seed:7")
    assert weights_id == "seed:7"
    assert not network.training
    assert torch.equal(network.conv1.weight, ALIKED.from_seed(MODEL, 7).conv1.weight)


@pytest.mark.parametrize("text", ["seed:", "seed:-1", "seed:x"])
def test_seed_that_is_no_whole_number_is_refused(text):
    with pytest.raises(WeightsError, match=text):
        load_network(MODEL, text)


def test_checkpoint_of_another_model_names_the_model_that_fits(checkpoint):
    with pytest.raises(
        WeightsError, match="not a checkpoint of aliked-n16: set model to aliked-t16"
    ):
        load_network("aliked-n16", str(checkpoint))


def test_checkpoint_with_a_missing_parameter_is_refused(tmp_path):
    state = ALIKED(MODEL).state_dict()
    del state["conv1.weight"]
    torch.save(state, tmp_path / "partial.pth")
    with pytest.raises(WeightsError, match=r"(?s)give another file.*conv1\.weight"):
        load_network(MODEL, str(tmp_path / "partial.pth"))


@pytest.mark.parametrize("content", [b"", b"<html>sign in to the network</html>"])
def test_file_that_is_no_checkpoint_is_named(tmp_path, content):
    (tmp_path / "page.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=r"page\.pth is not a checkpoint"):
        load_network(MODEL, str(tmp_path / "page.pth"))


def test_file_with_something_else_than_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="dict of named tensors"):
        load_network(MODEL, str(tmp_path / "other.pth"))


def test_pickled_code_is_not_run(tmp_path):
    torch.save({"layer": torch.nn.Linear(1, 1)}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match=r"code\.pth is not a checkpoint"):
        load_network(MODEL, str(tmp_path / "code.pth"))


@pytest.fixture
def offline(monkeypatch):
    """A machine without released weights that reaches nothing."""

    def nothing(model, weights):
        raise NoWeightsError(f"no weights for {model}")

    monkeypatch.setattr(weights, "load_network", nothing)
    monkeypatch.setattr(weights, "_warned", set())


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


def test_weights_that_were_not_released_are_named_as_such(checkpoint, caplog, monkeypatch):
    monkeypatch.setattr(weights, "_warned", set())
    digest = sha256_of(checkpoint)
    for _ in range(2):
        assert load_network(MODEL, str(checkpoint))[1] == f"unknown-{digest[:8]}"
    assert caplog.text.count(digest) == 1
    monkeypatch.setitem(RELEASE_SHA256, MODEL, digest)
    assert load_network(MODEL, str(checkpoint))[1] == digest[:8]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    state = ALIKED.from_seed(MODEL, 7).state_dict()
    name = next(iter(state))
    state[name] = torch.full_like(state[name], value)
    torch.save(state, tmp_path / "own.pth")
    with pytest.raises(WeightsError, match=rf"own\.pth holds .*no finite numbers \(100% of {name}"):
        load_network(MODEL, str(tmp_path / "own.pth"))
