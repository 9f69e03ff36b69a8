"""LightGlue for TensorRT and C++; without the optional group `export` these tests skip."""

import pytest
import torch
from onnx_files import check_standard, notes_of, shapes_of

from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.trainable_lightglue import TrainableLightGlue
from aliked_ros.onnx_matcher import (
    INPUTS,
    OUTPUTS,
    MatchDifferences,
    _compare,
    compare_with_torch,
    paired_points,
    write_matcher,
)

NUM_LAYERS = 1


@pytest.fixture(scope="module")
def network():
    """A small one for descriptors of 64 numbers; test/golden has the released sizes."""
    return small_network(seed=0)


def small_network(seed):
    torch.manual_seed(seed)
    state = TrainableLightGlue(64, 128, NUM_LAYERS).state_dict()
    state["log_assignment.0.matchability.bias"] += 3.0
    state["transformers.0.self_attn.ffn.3.weight"] *= 20  # so that the layer counts
    return LightGlue(state, NUM_LAYERS)


@pytest.fixture(scope="module")
def matcher_file(network, tmp_path_factory):
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "lightglue.onnx"
    write_matcher(network, path, weights_id="random")
    return path


def test_a_file_finds_the_matches_of_torch_for_any_numbers_of_keypoints(matcher_file, network):
    pytest.importorskip("onnxruntime")
    sizes = [(60, 60), (1, 1), (1, 30), (200, 70), (2, 500)]
    for differences in compare_with_torch(matcher_file, network, sizes):
        assert differences.are_tolerable, differences
        assert differences.num_found > 0.7 * min(differences.num_keypoints)
        assert differences.score < 1e-4


def test_other_weights_than_those_of_the_file_are_noticed(matcher_file):
    pytest.importorskip("onnxruntime")
    other = small_network(seed=1)
    assert not compare_with_torch(matcher_file, other, [(60, 60)])[0].are_tolerable


def test_every_operator_is_a_standard_one_and_no_shape_depends_on_a_value(matcher_file):
    onnx = pytest.importorskip("onnx")
    check_standard(onnx.load(matcher_file), opset=18)


def test_a_file_says_what_it_takes_gives_and_holds(matcher_file):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(matcher_file)
    points0, points1 = "num_keypoints0", "num_keypoints1"
    assert shapes_of(model) == {
        "keypoints0": [1, points0, 2],
        "descriptors0": [1, points0, 64],
        "image_size0": [2],
        "keypoints1": [1, points1, 2],
        "descriptors1": [1, points1, 64],
        "image_size1": [2],
        "matches0": [1, points0],
        "scores0": [1, points0],
    }
    assert list(shapes_of(model)) == [*INPUTS, *OUTPUTS]
    notes = notes_of(model)
    assert notes["model"] == "lightglue"
    assert notes["weights"] == "random"
    assert notes["producer"].startswith("aliked_ros ")


def test_missing_invented_and_other_matches_count_against_a_file():
    pairs = {(n, n): 0.5 for n in range(1000)}
    assert _compare((1, 1), pairs, pairs) == MatchDifferences((1, 1), 1000, 1000, 1.0, 0.0)
    assert _compare((1, 1), {}, {}).are_tolerable
    fewer = {pair: score for pair, score in pairs.items() if pair[0] > 1}
    assert not _compare((1, 1), pairs, fewer).are_tolerable
    assert not _compare((1, 1), fewer, pairs).are_tolerable
    assert not _compare((1, 1), pairs, pairs | {(0, 0): 0.502}).are_tolerable
    assert not _compare((1, 1), pairs, {}).are_tolerable


def test_the_points_for_the_comparison_are_always_the_same():
    once, again = paired_points(20, 30, 64), paired_points(20, 30, 64)
    assert [len(features) for features in once] == [20, 30]
    assert all(torch.equal(a.keypoints, b.keypoints) for a, b in zip(once, again, strict=True))
