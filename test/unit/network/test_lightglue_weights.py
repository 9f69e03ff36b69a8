"""A checkpoint of LightGlue is taken whole, or it is said what is wrong."""

import pytest
import torch
from lightglue_world import random_features, random_state

from aliked_ros.network.lightglue_weights import load_lightglue
from aliked_ros.network.released import WeightsError


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("posenc.Wr.weight"), "first is posenc.Wr.weight.*None"),
        (lambda state: state.update(extra=torch.zeros(2)), r"extra, whose shape is \(2,\)"),
        (
            lambda state: state.update({"input_proj.weight": torch.zeros(256, 64)}),
            r"input_proj.weight, whose shape is \(256, 64\), not \(256, 128\)",
        ),
        (lambda state: state.clear(), "not a checkpoint of LightGlue"),
        (
            lambda state: [value.fill_(torch.nan) for value in state.values()],
            "not finite, the first is input_proj.bias; give another file",
        ),
        (lambda state: state["input_proj.bias"][3:4].fill_(torch.inf), "1 tensors.*input_proj.b"),
    ],
    ids=["missing", "more", "other length", "empty", "all NaN", "one infinite"],
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
