"""Figures of a network under training."""

import cv2
import numpy as np
import pytest
import torch
from training_world import write_photographs

from aliked_ros.evaluation.homography.metrics import warp
from aliked_ros.evaluation.homography.pairs import find_pairs
from aliked_ros.training.loop.snapshots import matches_picture, score_picture
from aliked_ros.training.loop.validation import validate

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return find_pairs(write_photographs(tmp_path_factory.mktemp("photographs"), 2))


@pytest.fixture(scope="module")
def result(seeded_network, pairs):
    return validate(seeded_network, pairs, CPU)


def test_figures_of_an_untrained_network_are_in_range(result):
    figures, _ = result
    assert {"matching_score", "repeatability"} <= figures.keys()
    assert {f"MMA@{t}" for t in (1, 3)} | {f"MHA@{t}" for t in (1, 3, 5)} <= figures.keys()
    for name in figures:
        if name.startswith(("MMA", "MHA", "matching_score", "repeatability")):
            assert 0 <= figures[name] <= 100
    assert figures["repeatability"] > 0


def test_the_example_is_the_first_pair_and_agrees_with_itself(result, pairs):
    _, example = result
    image0, image1, H_1_0 = pairs[0].load(480)
    np.testing.assert_array_equal(example.images[0], image0)
    np.testing.assert_array_equal(example.images[1], image1)
    assert example.score_map.shape == image0.shape[:2]
    assert 0 <= example.score_map.min() <= example.score_map.max() <= 1
    for keypoints, image in zip(example.keypoints, example.images, strict=True):
        assert len(keypoints) > 10
        assert (keypoints >= 0).all()
        assert (keypoints <= [image.shape[1] - 1, image.shape[0] - 1]).all()
    i, j = example.matches.T
    errors = np.linalg.norm(warp(H_1_0, example.keypoints[0][i]) - example.keypoints[1][j], axis=1)
    np.testing.assert_array_equal(example.is_correct, errors <= 3)


def test_validation_leaves_the_network_as_it_is(seeded_network, pairs):
    before = {name: value.clone() for name, value in seeded_network.state_dict().items()}
    once, again = (validate(seeded_network, pairs[:1], CPU)[0] for _ in range(2))
    assert once == again
    assert not seeded_network.training
    after = seeded_network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_images_without_keypoints_give_zeros_and_pictures(tmp_path, seeded_network):
    cv2.imwrite(str(tmp_path / "blank.png"), np.zeros((64, 96, 3), np.uint8))
    figures, example = validate(seeded_network, find_pairs(tmp_path), CPU)
    assert figures["matching_score"] == 0
    assert all(value == value for value in figures.values())  # none is NaN
    assert score_picture(example).ndim == matches_picture(example).ndim == 3
