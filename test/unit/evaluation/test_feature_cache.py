import numpy as np
import torch

from aliked_ros.evaluation.feature_cache import CachedExtractor
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


def images(count):
    return [np.full((12, 20, 3), value, np.uint8) for value in range(count)]


def same(first, second):
    return all(
        torch.equal(getattr(first, name), getattr(second, name))
        for name in ("keypoints", "scores", "dispersity", "descriptors")
    ) and (first.image_size == second.image_size)


def test_later_run_takes_the_features_from_disk(tmp_path):
    extract = CountingExtractor()
    first = [CachedExtractor(extract, tmp_path / "m")(image) for image in images(3)]
    assert extract.num_calls == 3
    again = CachedExtractor(extract, tmp_path / "m")
    assert all(same(one, again(image)) for one, image in zip(first, images(3), strict=True))
    assert extract.num_calls == 3


def test_interrupted_write_is_extracted_again(tmp_path):
    extract = CountingExtractor()
    CachedExtractor(extract, tmp_path)(images(1)[0])
    file = next(tmp_path.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:300])
    CachedExtractor(extract, tmp_path)(images(1)[0])
    assert extract.num_calls == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_memory_holds_the_last_few_images_only():
    extract = CountingExtractor()
    cached = CachedExtractor(extract, None)
    for _ in range(2):
        for image in images(2):
            cached(image)
    assert extract.num_calls == 2
    for image in images(30):
        cached(image)
    assert len(cached._recent) < 10
    cached(images(1)[0])
    assert extract.num_calls == 2 + 28 + 1


def test_images_of_equal_bytes_and_other_shape_are_told_apart():
    extract = CountingExtractor()
    cached = CachedExtractor(extract, None)
    image = np.zeros((12, 20, 3), np.uint8)
    assert cached(image).image_size == (12, 20)
    assert cached(image.reshape(20, 12, 3)).image_size == (20, 12)
