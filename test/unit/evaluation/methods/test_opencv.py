import cv2
import numpy as np
import pytest
import torch

from aliked_ros.evaluation.methods.opencv import (
    OPENCV_METHODS,
    OpenCVExtractor,
    root_sift,
    signs_of_bits,
)


@pytest.fixture
def blobs():
    """An image (240, 320, 3) of random discs: many corners, no symmetry."""
    generator = np.random.default_rng(3)
    image = np.full((240, 320, 3), 90, np.uint8)
    for _ in range(150):
        centre = (int(generator.integers(320)), int(generator.integers(240)))
        colour = [int(value) for value in generator.integers(0, 255, 3)]
        cv2.circle(image, centre, int(generator.integers(4, 14)), colour, -1)
        corner = (centre[0] + int(generator.integers(3, 20)), centre[1] + 9)
        cv2.rectangle(image, centre, corner, colour[::-1], -1)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


@pytest.mark.parametrize("name", OPENCV_METHODS)
def test_descriptors_are_unit_rows_and_the_best_comes_first(name, blobs):
    features = OpenCVExtractor(name, 200)(blobs)
    assert 50 < len(features) <= 200
    assert torch.allclose(features.descriptors.norm(dim=1), torch.ones(len(features)), atol=1e-5)
    assert bool((features.scores.diff() <= 0).all())
    assert features.image_size == (240, 320)


def test_older_sift_without_the_precise_pyramid_has_the_same_origin(blobs, monkeypatch):
    create = cv2.SIFT_create

    def older(*arguments, **options):
        if options:
            raise cv2.error("Overload resolution failed")
        return create(*arguments)

    monkeypatch.setattr(cv2, "SIFT_create", older)
    assert_origin_is_a_pixel_centre(OpenCVExtractor("sift", 2000), blobs)


@pytest.mark.parametrize("name", OPENCV_METHODS)
def test_mirrored_image_has_mirrored_keypoints_so_the_origin_is_a_pixel_centre(name, blobs):
    assert_origin_is_a_pixel_centre(OpenCVExtractor(name, 2000), blobs)


def assert_origin_is_a_pixel_centre(extractor, blobs):
    keypoints = extractor(blobs).keypoints
    mirrored = extractor(np.ascontiguousarray(blobs[:, ::-1])).keypoints
    mirrored[:, 0] = 319 - mirrored[:, 0]
    distance, nearest = torch.cdist(keypoints, mirrored).min(dim=1)
    close = distance < 1
    assert close.float().mean() > 0.8
    # An origin beside the centre would shift all by twice the error.
    shift = (keypoints - mirrored[nearest])[close].mean(dim=0)
    assert shift.abs().max() < 0.2


@pytest.mark.parametrize("name", OPENCV_METHODS)
def test_uniform_image_has_no_keypoints(name):
    features = OpenCVExtractor(name, 100)(np.full((64, 64), 128, np.uint8))
    assert len(features) == 0
    assert features.descriptors.shape == (0, {"sift": 128, "orb": 256}[name])


def test_cosine_of_bits_orders_like_the_hamming_distance():
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 256, (20, 32)).astype(np.uint8)
    rows = signs_of_bits(bits)
    hamming = np.array([[cv2.norm(a, b, cv2.NORM_HAMMING) for b in bits] for a in bits])
    assert np.allclose(rows @ rows.T, 1 - hamming / 128, atol=1e-6)


def test_root_sift_is_the_hellinger_kernel():
    descriptors = np.random.default_rng(0).random((5, 128)).astype(np.float32)
    normalised = descriptors / descriptors.sum(axis=1, keepdims=True)
    expected = np.sqrt(normalised[:, None] * normalised).sum(axis=2)
    rows = root_sift(descriptors)
    assert np.allclose(rows @ rows.T, expected, atol=1e-6)


def test_unknown_method_is_named():
    with pytest.raises(ValueError, match=r"'surf'.*sift, orb"):
        OpenCVExtractor("surf")
