"""Images through a network without recordings: what the network gets, and what comes back."""

import numpy as np
import pytest
import torch

from aliked_ros.inference.direct import DirectInference
from aliked_ros.network.dkd import Detections


class Spy:
    """Keeps the pixels that it gets, and finds two keypoints of three in every image."""

    name = "spy"

    def __call__(self, pixels, max_keypoints, detection_threshold):
        self.pixels = pixels.clone()
        self.settings = (max_keypoints, detection_threshold)
        batch = len(pixels)
        keypoints = torch.arange(6.0).view(1, 3, 2).expand(batch, 3, 2)
        is_valid = torch.tensor([True, True, False]).expand(batch, 3)
        scores = torch.tensor([0.9, 0.8, 0.0]).expand(batch, 3)
        return Detections(keypoints, scores, scores / 2, is_valid), torch.ones(batch, 3, 4)


@pytest.fixture
def spy():
    return Spy()


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def extract(spy, images):
    return DirectInference(spy, torch.device("cpu"))(images, 3, 0.2)


def test_arrays_and_tensors_of_any_strides_become_one_batch(spy, image):
    images = [image, torch.from_numpy(image), image[::-1], torch.from_numpy(image).flip(1)]
    found = extract(spy, images)
    assert len(found) == 4
    expected = np.stack([image, image, image[::-1], image[:, ::-1]])
    np.testing.assert_array_equal(spy.pixels.numpy(), expected)
    assert spy.settings == (3, 0.2)


def test_grey_images_have_one_channel(spy, image):
    extract(spy, [image[..., 0]])
    np.testing.assert_array_equal(spy.pixels.numpy(), image[None, ..., :1])


def test_what_only_fills_the_batch_is_left_out(spy, image):
    (features,) = extract(spy, [image])
    assert features.keypoints.tolist() == [[0, 1], [2, 3]]
    assert features.scores.tolist() == pytest.approx([0.9, 0.8])
    assert features.descriptors.shape == (2, 4)
    assert features.image_size == (6, 8)


def test_an_image_of_one_colour_has_no_keypoints_whatever_its_neighbour_has(spy, image):
    uniform, textured = extract(spy, [np.full_like(image, 9), image])
    assert [len(uniform), len(textured)] == [0, 2]
