import pytest
import torch
from lightglue_world import random_features, random_state, shuffled

from aliked_ros.inference.bfloat16 import why_no_bfloat16
from aliked_ros.native import load_library
from aliked_ros.network import lightglue_assignment
from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.lightglue_assignment import choose
from aliked_ros.network.lightglue_layers import Layer, RotaryCode

STATE = random_state(1)
NEEDS_KERNELS = pytest.mark.skipif(
    load_library() is None, reason="no compiled kernels on this machine: run make install"
)
NEEDS_BFLOAT16 = pytest.mark.skipif(
    bool(why_no_bfloat16(torch.device("cpu"), "auto")), reason="no bfloat16 on this machine"
)


def points(num, seed=0):
    """Return states of points and the code of their places."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(num, 2, generator=generator)
    return torch.randn(num, 256, generator=generator), RotaryCode.of(
        places, STATE["posenc.Wr.weight"]
    )


def in_plain_torch(x, code, sizes):
    """Return what a layer does without kernels, in float64."""
    layer = Layer({name: value.double() for name, value in STATE.items()}, 0)
    layer._compiled = None
    for weights in (layer._to_qkv, layer._to_qk_v):
        weights.packed = None
    for update in (layer._self_update, layer._cross_update):
        update.expand.packed = update.shrink.packed = None
        for linear in (update.expand, update.shrink):
            linear.weight, linear.bias = linear.weight.double(), linear.bias.double()
    return layer(x.double(), RotaryCode(code.cos.double(), code.sin.double()), sizes).float()


@NEEDS_KERNELS
@pytest.mark.parametrize(
    "sizes", [[1, 1], [31, 33], [40, 7], [64, 32], [5, 200, 100, 3], [257, 129]]
)
def test_a_layer_computes_what_torch_computes(sizes):
    x, code = points(sum(sizes))
    layer = Layer(STATE, 0)
    assert layer._compiled is not None
    torch.testing.assert_close(
        layer(x, code, sizes), in_plain_torch(x, code, sizes), atol=1e-5, rtol=1e-5
    )


@NEEDS_KERNELS
@NEEDS_BFLOAT16
@pytest.mark.parametrize("sizes", [[1, 1], [31, 33], [5, 200, 100, 3]])
def test_bfloat16_differs_by_its_rounding(sizes):
    x, code = points(sum(sizes))
    found, expected = Layer(STATE, 0, "bfloat16")(x, code, sizes), in_plain_torch(x, code, sizes)
    assert not torch.equal(found, Layer(STATE, 0)(x, code, sizes))
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0)
    assert (found - expected).abs().mean() < 0.005


@NEEDS_KERNELS
def test_logits_far_apart_do_not_overflow():
    x, code = points(50)
    x = 100 * x
    found = Layer(STATE, 0)(x, code, [20, 30])
    torch.testing.assert_close(found, in_plain_torch(x, code, [20, 30]), atol=0.05, rtol=1e-3)


@NEEDS_KERNELS
def test_a_layer_leaves_its_inputs_alone_and_repeats():
    x, code = points(90)
    before = x.clone()
    layer = Layer(STATE, 0)
    first, second = layer(x, code, [40, 50]), layer(x, code, [40, 50])
    assert torch.equal(x, before)
    assert torch.equal(first, second)


@NEEDS_KERNELS
@pytest.mark.parametrize(("num0", "num1"), [(1, 1), (33, 5), (5, 33), (100, 257), (32, 64)])
def test_partners_are_chosen_as_torch_does(num0, num1, monkeypatch):
    generator = torch.Generator().manual_seed(num0)
    f0, f1 = (2 * torch.randn(num, 64, generator=generator) for num in (num0, num1))
    z0, z1 = (2 + torch.randn(num, generator=generator) for num in (num0, num1))
    f1[: min(num0, num1)] = f0[: min(num0, num1)]
    best1, scores, is_pair = choose(f0, f1, z0, z1)
    monkeypatch.setattr(lightglue_assignment, "load_library", lambda: None)
    expected1, expected_scores, is_expected = choose(f0, f1, z0, z1)
    assert torch.equal(best1, expected1)
    assert torch.equal(is_pair, is_expected)
    assert is_pair.any()
    torch.testing.assert_close(scores, expected_scores, atol=1e-5, rtol=1e-4)


@NEEDS_KERNELS
def test_of_equal_points_the_first_is_chosen():
    f0, chance = 4 * torch.eye(64)[:40], torch.full((40,), 9.0)
    twice = torch.cat((f0[:20], f0[:20]))
    best1, _, _ = choose(f0, twice, chance, chance)
    assert best1[:20].tolist() == list(range(20))
    best1, scores, is_pair = choose(twice, f0, chance, chance)
    assert best1.tolist() == 2 * list(range(20))
    assert is_pair.tolist() == [score > 0.1 for score in scores[:20].tolist()] + 20 * [False]
    assert is_pair.any()


def test_a_machine_without_kernels_finds_the_same_partners(monkeypatch):
    features0 = random_features(60, seed=1)
    features1, order = shuffled(features0)
    network = LightGlue(STATE, 1)
    found = network([(features0, features1)], adaptive=False)[0]
    for module in ("packed_linear", "lightglue_assignment"):
        monkeypatch.setattr(f"aliked_ros.network.{module}.load_library", lambda: None)
    plain = LightGlue(STATE, 1)
    assert plain._layers[0]._compiled is None
    expected = plain([(features0, features1)], adaptive=False)[0]
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(order[found.indices[:, 1]], found.indices[:, 0])
    torch.testing.assert_close(found.scores, expected.scores, atol=1e-4, rtol=0)
