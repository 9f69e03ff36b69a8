import numpy as np
import pytest
import torch

from aliked_ros.evaluation.methods import contestants
from aliked_ros.evaluation.methods.contestants import open_methods, with_cache
from aliked_ros.evaluation.methods.method import Budget, Method, MethodError
from aliked_ros.structs import Features


def clock():
    return 0.0


def _method(name):
    """Finds the bright pixels of an image; a pixel's descriptor is its brightness."""

    def extract(image):
        y, x = np.nonzero(image[:, :, 0])
        levels = torch.from_numpy(image[y, x, 0].astype(np.int64))
        order = levels.argsort(descending=True)
        keypoints = torch.from_numpy(np.column_stack([x, y]).astype(np.float32))[order]
        descriptors = torch.nn.functional.one_hot(levels[order], 256).float()
        scores = levels[order].float()
        return Features(keypoints, scores, torch.zeros(len(x)), descriptors, image.shape[:2])

    return Method(name, "", name, extract)


@pytest.fixture
def contestant(tmp_path):
    return with_cache([_method("bright")], tmp_path, clock)[0]


def _image(places):
    image = np.zeros((10, 12, 3), np.uint8)
    for level, (x, y) in places.items():
        image[y, x] = level
    return image


def test_matches_are_pairs_of_keypoints_of_the_two_images(contestant):
    image0, image1 = _image({9: (1, 2), 5: (3, 4)}), _image({5: (7, 8), 200: (0, 1), 9: (11, 9)})
    keypoints0, keypoints1, matches = contestant.match(image0, image1)
    assert keypoints0.dtype == np.float64
    pairs = {(*keypoints0[i], *keypoints1[j]) for i, j in matches}
    assert pairs == {(1, 2, 11, 9), (3, 4, 7, 8)}


def test_a_budget_takes_the_best_of_what_was_found(contestant):
    image = _image({9: (1, 2), 5: (3, 4), 7: (5, 6)})
    keypoints0, keypoints1, matches = contestant.match(image, image, budget=2)
    assert keypoints0.tolist() == keypoints1.tolist() == [[1, 2], [5, 6]]
    assert matches.tolist() == [[0, 0], [1, 1]]


def test_of_all_methods_those_that_cannot_run_are_left_out_and_said(monkeypatch):
    def open_method(spec, budget):
        if spec.startswith("alike-"):
            raise MethodError("no weights")
        return _method(spec)

    monkeypatch.setattr(contestants, "open_method", open_method)
    said = []
    opened = open_methods("all", Budget(), said.append)
    assert [method.name for method in opened if not method.name.startswith("aliked")] == [
        "sift", "orb",
    ]  # fmt: skip
    assert said[0] == "left out alike-t: no weights"
    assert len(said) == 4


def test_a_method_that_was_named_is_not_left_out():
    with pytest.raises(MethodError, match="surf"):
        open_methods("sift,surf", Budget(), print)
    with pytest.raises(ValueError, match="no method is left"):
        open_methods(",", Budget(), print)
