import pytest
import torch

from aliked_ros.evaluation.methods.alike_network import (
    ALIKE,
    VARIANTS,
    sample_descriptors,
    select_peaks,
)
from aliked_ros.evaluation.methods.method import FAMILIES


def test_the_names_of_the_family_are_those_of_the_networks():
    assert tuple(VARIANTS) == FAMILIES["alike"]
    with pytest.raises(ValueError, match=r"model is 'alike-x'.*alike-t"):
        ALIKE("alike-x")


@pytest.mark.parametrize("model", VARIANTS)
def test_maps_are_as_large_as_the_image_of_any_size(model):
    image = torch.rand(1, 3, 50, 70)
    with torch.no_grad():
        descriptor_map, score_map = ALIKE(model).eval()(image)
    assert score_map.shape == (1, 50, 70)
    assert descriptor_map.shape == (1, VARIANTS[model][4], 50, 70)
    torch.testing.assert_close(descriptor_map.norm(dim=1), torch.ones(1, 50, 70))


def test_the_highest_maxima_above_the_threshold_are_selected_away_from_the_border():
    score_map = torch.zeros(1, 20, 30)
    for y, x, score in ((10, 10, 0.9), (15, 20, 0.5), (10, 25, 0.1), (1, 15, 1.0)):
        score_map[0, y, x] = score
    assert select_peaks(score_map, 5, 0.2).tolist() == [[10 * 30 + 10, 15 * 30 + 20]]
    assert select_peaks(score_map, 1, 0.2).tolist() == [[10 * 30 + 10]]


def test_descriptors_are_those_of_the_pixels_and_unit_rows_between_them():
    torch.manual_seed(0)
    descriptor_map = torch.nn.functional.normalize(torch.rand(1, 8, 6, 9), dim=1)
    keypoints = torch.tensor([[2.0, 3.0], [8.0, 5.0], [4.5, 1.5]])
    descriptors = sample_descriptors(descriptor_map, keypoints)
    torch.testing.assert_close(descriptors[0], descriptor_map[0, :, 3, 2])
    torch.testing.assert_close(descriptors[1], descriptor_map[0, :, 5, 8])
    torch.testing.assert_close(descriptors.norm(dim=1), torch.ones(3))
