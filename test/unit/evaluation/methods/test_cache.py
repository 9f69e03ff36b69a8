import contextlib

import numpy as np
import torch

from aliked_ros.evaluation.methods.cache import CachedExtractor
from aliked_ros.structs import Features


class CountingExtractor:
    def __init__(self):
        self.num_calls = 0

    def __call__(self, image):
        self.num_calls += 1
        generator = torch.Generator().manual_seed(int(image.sum()))
        descriptors = torch.nn.functional.normalize(torch.rand(7, 16, generator=generator))
        keypoints = torch.rand(7, 2, generator=generator) * 10
        return Features(keypoints, torch.rand(7), torch.rand(7), descriptors, image.shape[:2])


def clock():
    return 0.0


def images(count):
    return [np.full((12, 20, 3), value, np.uint8) for value in range(count)]


def same(first, second):
    return all(
        torch.equal(getattr(first, name), getattr(second, name))
        for name in ("keypoints", "scores", "dispersity", "descriptors")
    ) and (first.image_size == second.image_size)


def test_later_run_takes_the_features_from_disk(tmp_path):
    extract = CountingExtractor()
    cached = CachedExtractor(extract, tmp_path / "m", clock)
    first = [cached(image) for image in images(3)]
    num_calls = extract.num_calls
    again = CachedExtractor(extract, tmp_path / "m", clock)
    assert all(same(one, again(image)) for one, image in zip(first, images(3), strict=True))
    assert extract.num_calls == num_calls


def test_interrupted_write_leaves_nothing_that_counts_as_features(tmp_path):
    def interrupted(image):
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        CachedExtractor(interrupted, tmp_path, clock)(images(1)[0])
    extract = CountingExtractor()
    CachedExtractor(extract, tmp_path, clock)(images(1)[0])
    assert extract.num_calls > 0


def test_images_of_equal_bytes_and_other_shape_are_told_apart(tmp_path):
    extract = CountingExtractor()
    cached = CachedExtractor(extract, tmp_path, clock)
    image = np.zeros((12, 20, 3), np.uint8)
    assert cached(image).image_size == (12, 20)
    assert cached(image.reshape(20, 12, 3)).image_size == (20, 12)
