"""A checkpoint of LightGlue is taken whole, or it is said what is wrong."""

import pytest
import torch
from lightglue_world import random_features, random_state

from aliked_ros.network.lightglue_weights import descriptor_length, load_lightglue
from aliked_ros.network.released import WeightsError
from aliked_ros.network.trainable_lightglue import TrainableLightGlue


def write(path, state):
    torch.save(state, path)
    return str(path)


def test_a_file_becomes_a_network_that_matches(tmp_path):
    network = load_lightglue(write(tmp_path / "own.pth", random_state(2)))
    features = random_features(30, 0)
    assert len(network([(features, features)], adaptive=False)[0].indices) > 10


def test_a_file_that_is_not_the_released_one_is_named_as_your_own(tmp_path, caplog):
    load_lightglue(write(tmp_path / "own.pth", random_state(1)))
    assert "own.pth are not the released aliked_lightglue: their SHA-256 is" in caplog.text


@pytest.mark.parametrize(("width", "length", "num_layers"), [(128, 64, 3), (64, 128, 1)])
def test_a_file_says_its_own_sizes_also_in_half_precision(tmp_path, width, length, num_layers):
    state = TrainableLightGlue(length, width, num_layers).state_dict()
    path = write(tmp_path / "own.pth", {name: value.half() for name, value in state.items()})
    assert descriptor_length(path) == length
    network = load_lightglue(path)
    assert network.length == length
    features = random_features(40, 0, length)
    found = network([(features, features)], adaptive=False)[0]
    assert found.num_layers == num_layers
    assert len(found.indices) > 20


def test_the_released_length_is_known_without_the_file(monkeypatch, tmp_path):
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    assert descriptor_length() == 128


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("posenc.Wr.weight"), "first is posenc.Wr.weight.*None"),
        (lambda state: state.update(extra=torch.zeros(2)), r"extra, whose shape is \(2,\)"),
        (
            lambda state: state.update({"input_proj.weight": torch.zeros(128, 64)}),
            r"input_proj.bias, whose shape is \(256,\), not \(128,\)",
        ),
        (
            lambda state: state.update({"input_proj.weight": torch.zeros(96, 64)}),
            "states of 96 numbers: give a checkpoint whose width is a multiple of 64",
        ),
        (
            lambda state: state.update({"input_proj.weight": torch.zeros(256)}),
            r"input_proj.weight, whose shape is \(256,\), not \(256, 128\)",
        ),
        (lambda state: state.clear(), "not a checkpoint of LightGlue"),
        (
            lambda state: [value.fill_(torch.nan) for value in state.values()],
            "not finite, the first is input_proj.bias; give another file",
        ),
        (lambda state: state["input_proj.bias"][3:4].fill_(torch.inf), "1 tensors.*input_proj.b"),
    ],
    ids=[
        "missing",
        "more",
        "other width",
        "no width",
        "no length",
        "empty",
        "all NaN",
        "one infinite",
    ],
)
def test_a_file_that_is_not_of_lightglue_says_what_differs(tmp_path, change, message):
    state = random_state(1)
    change(state)
    with pytest.raises(WeightsError, match=message):
        load_lightglue(write(tmp_path / "wrong.pth", state))


def test_a_file_that_torch_cannot_read_is_named(tmp_path):
    (tmp_path / "noise.pth").write_bytes(b"noise")
    with pytest.raises(WeightsError, match=r"noise\.pth is not a checkpoint"):
        load_lightglue(str(tmp_path / "noise.pth"))
    with pytest.raises(WeightsError, match="dict of named tensors"):
        load_lightglue(write(tmp_path / "list.pth", [1, 2]))
