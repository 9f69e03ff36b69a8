import pytest
import torch

from aliked_ros.evaluation.methods.alike_network import ALIKE
from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget, MethodError


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Untrained weights of alike-t, where $ALIKED_WEIGHTS keeps them."""
    torch.manual_seed(0)
    folder = tmp_path / "alike"
    folder.mkdir()
    torch.save(ALIKE("alike-t").state_dict(), folder / "alike-t.pth")
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    return folder / "alike-t.pth"


def test_weights_are_found_in_the_folder_or_by_their_path(weights, textured_image):
    budget = Budget(40, 0.0, "cpu")
    found = [open_method(spec, budget) for spec in ("alike-t", f"alike-t:{weights}")]
    assert found[0].identity != found[1].identity
    features = [method.extract(textured_image) for method in found]
    assert torch.equal(features[0].keypoints, features[1].keypoints)
    assert 0 < len(features[0]) <= 40
    assert bool((features[0].scores.diff() <= 0).all())
    torch.testing.assert_close(
        features[0].descriptors.norm(dim=1), torch.ones(len(features[0])), atol=1e-5, rtol=0
    )


def test_a_grey_image_is_one_of_three_equal_channels(weights, textured_image):
    extract = open_method("alike-t", Budget(40, 0.0, "cpu")).extract
    grey = textured_image[:, :, 0]
    in_colour = extract(grey[:, :, None].repeat(3, axis=2))
    assert torch.equal(extract(grey).keypoints, in_colour.keypoints)


def test_weights_that_are_nowhere_are_said_with_places_and_origin(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(MethodError, match=r"no weights for alike-l: looked for .*github"):
        open_method("alike-l", Budget())
