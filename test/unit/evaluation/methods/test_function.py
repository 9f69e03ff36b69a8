import pytest
import torch

from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.function import as_features
from aliked_ros.evaluation.methods.method import Budget, MethodError
from aliked_ros.structs import Features

ADAPTER = """
import numpy as np

def corners(image):
    assert image.dtype == np.uint8 and image.shape[2] == 3
    keypoints = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    return keypoints, np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])

def wrong(image):
    return np.zeros((3, 3)), np.zeros((2, 8))
"""


@pytest.fixture
def adapter(tmp_path):
    path = tmp_path / "adapter.py"
    path.write_text(ADAPTER)
    return path


def test_function_of_ones_own_is_normalised_and_cut_to_the_budget(adapter, textured_image):
    method = open_method(f"{adapter}:corners", Budget(2))
    features = method.extract(textured_image)
    assert method.name == "corners"
    assert features.keypoints.tolist() == [[1, 2], [3, 4]]
    assert torch.allclose(features.descriptors, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    assert features.image_size == textured_image.shape[:2]


def test_changed_function_has_another_identity(adapter):
    before = open_method(f"{adapter}:corners", Budget()).identity
    adapter.write_text(ADAPTER + "\n# changed\n")
    assert open_method(f"{adapter}:corners", Budget()).identity != before


def test_function_of_wrong_shape_is_reported(adapter, textured_image):
    with pytest.raises(MethodError, match=r"\(3, 3\).*\(2, 8\)"):
        open_method(f"{adapter}:wrong", Budget()).extract(textured_image)


def test_features_of_ones_own_keep_their_scores_and_are_cut_to_the_budget():
    scores = torch.linspace(1, 0, 5)
    found = Features(torch.rand(5, 2), scores, torch.zeros(5), torch.eye(5), (8, 9))
    features = as_features(found, (8, 9), 3)
    assert torch.equal(features.scores, scores[:3])
    assert torch.equal(features.descriptors, torch.eye(5)[:3])
