"""LightGlue beside the authors' code, which paired the same features in float32.

| quantity | tolerance |
|---|---|
| pairs in both, all layers / adaptive | 99.9 % / 99.5 % |
| layers computed | the same |
| scores, median / greatest difference | 1e-5 / 2e-4 |

In float64 the greatest difference is the rounding of either: the authors' scores are up to 8e-5 off
(the Red Kitchen, 512 keypoints), ours up to 6e-5.
"""

import numpy as np
import pytest
import torch

from aliked_ros.config import MatcherConfig
from aliked_ros.matching import match
from aliked_ros.network.lightglue_weights import load_lightglue
from aliked_ros.network.released import LIGHTGLUE, RELEASE_SHA256, sha256_of
from aliked_ros.structs import Features

pytestmark = pytest.mark.golden

PAIRS = [f"{n}__n16__{k}" for n in ("kitti00", "redkitchen", "graf", "euroc") for k in (512, 1024)]
SHARES = {"": 0.999, "adaptive_": 0.995}


@pytest.fixture(scope="module")
def weights(weights_dir):
    path = weights_dir / "lightglue" / f"{LIGHTGLUE}.pth"
    if not path.is_file():
        pytest.skip(f"no released weights of LightGlue: {path} is absent")
    return path


@pytest.fixture(scope="module")
def network(weights):
    return load_lightglue(str(weights))


def load(golden_dir, name):
    path = golden_dir / f"lightglue_{name}.npz"
    if not path.is_file():
        pytest.skip(f"no stored outputs of LightGlue: {path} is absent")
    return np.load(path)


def features_of(stored, image):
    keypoints = torch.from_numpy(stored[f"keypoints{image}"])
    width, height = stored[f"size{image}"].tolist()
    zeros = torch.zeros(len(keypoints))
    descriptors = torch.from_numpy(stored[f"descriptors{image}"])
    return Features(keypoints, zeros, zeros, descriptors, (int(height), int(width)))


def as_dict(indices, scores):
    return dict(zip(map(tuple, indices.tolist()), scores.tolist(), strict=True))


@pytest.mark.parametrize("mode", SHARES)
@pytest.mark.parametrize("name", PAIRS)
def test_matches_scores_and_layers_equal_the_authors(network, golden_dir, name, mode):
    stored = load(golden_dir, name)
    pair = features_of(stored, 0), features_of(stored, 1)
    with torch.no_grad():
        found = network([pair], adaptive=bool(mode))[0]
    expected = as_dict(stored[f"{mode}matches"], stored[f"{mode}scores"])
    ours = as_dict(found.indices, found.scores)
    both = expected.keys() & ours.keys()
    assert len(both) >= SHARES[mode] * len(expected.keys() | ours.keys())
    differences = np.abs([expected[pair] - ours[pair] for pair in both])
    assert np.median(differences) < 1e-5
    assert differences.max() < 2e-4
    assert found.num_layers == (stored["adaptive_stop"] if mode else 9)


def test_the_matcher_finds_them_too(weights, golden_dir):
    stored = load(golden_dir, PAIRS[0])
    config = MatcherConfig(kind="lightglue", adaptive=False, weights=str(weights))
    found = match(features_of(stored, 0), features_of(stored, 1), config)
    assert {*map(tuple, found.indices.tolist())} == {*map(tuple, stored["matches"].tolist())}


def test_a_batch_equals_its_pairs(network, golden_dir):
    pairs = []
    for name in PAIRS[::2]:
        stored = load(golden_dir, name)
        pairs.append((features_of(stored, 0), features_of(stored, 1)))
    with torch.no_grad():
        together = network(pairs, adaptive=True)
        alone = [network([pair], adaptive=True)[0] for pair in pairs]
    for found, expected in zip(together, alone, strict=True):
        assert found.num_layers == expected.num_layers
        assert torch.equal(found.indices, expected.indices)
        torch.testing.assert_close(found.scores, expected.scores, atol=2e-4, rtol=0)


def test_the_checkpoint_is_the_released_one(weights):
    assert sha256_of(weights) == RELEASE_SHA256[LIGHTGLUE]
