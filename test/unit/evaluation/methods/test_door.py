import re

import numpy as np
import pytest
import torch

from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget, MethodError

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


def test_seeded_aliked_and_opencv_run_by_name(textured_image):
    budget = Budget(50, 0.0, "cpu")
    for spec in ("aliked-t16:seed:0", "sift", "orb"):
        features = open_method(spec, budget).extract(textured_image)
        assert 0 < len(features) <= 50


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


def test_identity_tells_settings_apart_and_is_a_file_name():
    identities = {
        open_method(spec, Budget(count, threshold, "cpu")).identity
        for spec in ("aliked-t16:seed:0", "aliked-t16:seed:1", "sift")
        for count in (100, 200)
        for threshold in (0.1, 0.2)
    }
    assert len(identities) == 12
    assert all(re.fullmatch(r"[\w.-]+", identity) for identity in identities)


def test_function_of_wrong_shape_is_reported(adapter, textured_image):
    with pytest.raises(MethodError, match=r"\(3, 3\).*\(2, 8\)"):
        open_method(f"{adapter}:wrong", Budget()).extract(textured_image)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("superpoint", "aliked-t16"),
        ("disk", "disk:FILE"),
        ("xfeat:nowhere.pt", "checkpoint"),
        ("alike-n:nowhere.pth", "nowhere.pth"),
        ("no_such_module:function", "no_such_module"),
        ("aliked_ros.matching:no_such_function", "no_such_function"),
        ("nowhere.py:function", "nowhere.py"),
    ],
)
def test_what_is_missing_is_named(spec, reason):
    with pytest.raises(MethodError, match=reason):
        open_method(spec, Budget())


@pytest.mark.parametrize("model", ["disk", "xfeat"])
def test_kornias_networks_run_with_a_checkpoint_of_ones_own(model, tmp_path):
    feature = pytest.importorskip("kornia.feature")
    torch.manual_seed(0)
    network = feature.DISK() if model == "disk" else feature.XFeat().net
    torch.save(network.state_dict(), tmp_path / "own.pth")
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    features = open_method(f"{model}:{tmp_path / 'own.pth'}", Budget(20, 0.2, "cpu")).extract(image)
    assert len(features) <= 20
    assert features.descriptors.shape[1] == {"disk": 128, "xfeat": 64}[model]
    assert bool((features.scores.diff() <= 0).all())
