"""A batch gives what its images give one by one, whatever their sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aliked_ros.extractor import Extractor
from aliked_ros.inference import open_inference
from aliked_ros.network.aliked import ALIKED

sizes = st.tuples(st.integers(1, 70), st.integers(1, 70))


def random_image(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@settings(max_examples=15, deadline=None)
@given(sizes, st.integers(2, 4), st.integers(0, 1000))
@example((14, 63), 2, 978)
def test_batch_equals_its_images_one_by_one(seeded_network: ALIKED, size, num, seed):
    images = [random_image(size, seed + i) for i in range(num)]
    # Only plain torch and a GPU take several images at once.
    extract = open_inference(seeded_network, torch.device("cpu"), torch.float32, backend="torch")
    # oneDNN sums a convolution of several images in another order than one of a single image, and
    # where two neighbours are equal up to rounding, that decides which of them is the peak.
    with torch.backends.mkldnn.flags(enabled=False):
        together = extract(images, 1000, 0.2)
        each_alone = [extract([image], 1000, 0.2)[0] for image in images]
    for features, alone in zip(together, each_alone, strict=True):
        # Equal scores may come in either order; compare in an order that does not depend on it.
        assert len(features) == len(alone)
        distances = torch.cdist(features.keypoints.double(), alone.keypoints.double())
        if len(alone):
            nearest, index = distances.min(dim=1)
            assert nearest.max() < 1e-3
            cosines = (features.descriptors * alone.descriptors[index]).sum(dim=1)
            assert cosines.min() > 0.9999


@settings(max_examples=15, deadline=None)
@given(st.lists(sizes, max_size=4), st.integers(0, 1000))
def test_list_gives_one_result_per_image_in_order(seeded_extractor: Extractor, shapes, seed):
    results = seeded_extractor.extract_all([random_image(size, seed) for size in shapes])
    assert [features.image_size for features in results] == shapes
