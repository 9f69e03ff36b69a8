"""What only a GPU can show: the same features as on the CPU, and no hidden waiting."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.config import ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.matching import mutual_nearest_neighbours
from aliked_ros.structs import Features

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")

CPU = ExtractorConfig(model="aliked-t16", weights="seed:0", device="cpu", max_keypoints=200)
CUDA = replace(CPU, device="cuda")


def assert_same(
    found: Features, expected: Features, tolerance_px: float, part: float, cosine: float = 0.999
) -> None:
    """Ask that a part of the keypoints, in [0, 1], has a partner and the same descriptor."""
    distances = torch.cdist(expected.keypoints.double(), found.keypoints.double().cpu())
    nearest, index = distances.min(dim=1)
    is_near = nearest < tolerance_px
    assert is_near.float().mean() >= part
    cosines = (expected.descriptors * found.descriptors.cpu()[index]).sum(dim=1)
    assert cosines[is_near].min() > cosine


def test_cuda_gives_the_features_of_the_cpu(textured_image):
    extractor = Extractor(CUDA)
    features = extractor(textured_image)
    assert features.keypoints.is_cuda
    assert features.descriptors.is_cuda
    assert_same(features, Extractor(CPU)(textured_image), tolerance_px=0.01, part=0.95)


def test_half_precision_stays_close(weights_dir, golden_dir):
    # With trained weights: the scores of an untrained network differ less than half can tell.
    image = np.ascontiguousarray(cv2.imread(str(golden_dir / "tum_desk.png"))[:, :, ::-1])
    config = replace(CUDA, weights=str(weights_dir / "aliked-t16.pth"), max_keypoints=1000)
    features = Extractor(replace(config, precision="float16"))(image)
    assert features.descriptors.dtype == features.keypoints.dtype == torch.float32
    assert_same(
        features, Extractor(config)(image).to("cpu"), tolerance_px=0.1, part=0.98, cosine=0.99
    )


def test_batch_on_cuda_gives_each_image_its_own_features(textured_image):
    extractor = Extractor(CUDA)
    flat = textured_image.copy()
    flat[30:] = 128
    images = [textured_image, flat, np.full_like(flat, 9), flat[:40]]
    for image, features in zip(images, extractor(images), strict=True):
        alone = extractor(image)
        assert len(features) == len(alone)
        torch.testing.assert_close(features.keypoints, alone.keypoints, atol=1e-3, rtol=0)


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_network_does_not_wait_for_the_device(textured_image, backend):
    extractor = Extractor(replace(CUDA, backend=backend))
    for _ in range(4):
        extractor(textured_image)
    pixels = torch.from_numpy(textured_image).cuda().unsqueeze(0)
    try:
        torch.cuda.set_sync_debug_mode("error")
        extractor._network(pixels, 200, 0.2)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_recorded_frame_gives_what_the_plain_network_gives(textured_image):
    extractor, plain = Extractor(CUDA), Extractor(replace(CUDA, backend="torch"))
    images = [np.roll(textured_image, 7 * shift, axis=1) for shift in range(6)]
    found = [extractor(image) for image in images]
    assert extractor.backend == "CUDA graphs"
    for image, features in zip(images, found, strict=True):
        expected = plain(image)
        assert len(features) == len(expected)
        torch.testing.assert_close(features.keypoints, expected.keypoints, atol=1e-2, rtol=0)
        assert torch.equal(features.on_host.keypoints, features.keypoints.cpu())
        assert features.to("cpu") is features.on_host


def test_matching_on_cuda_equals_that_on_the_cpu():
    generator = torch.Generator().manual_seed(0)
    descriptors = [
        torch.nn.functional.normalize(torch.randn(300, 64, generator=generator), dim=1)
        for _ in range(2)
    ]
    expected, _ = mutual_nearest_neighbours(*descriptors)
    matches, similarities = mutual_nearest_neighbours(*(one.cuda() for one in descriptors))
    assert similarities.is_cuda
    assert torch.equal(matches.cpu(), expected)
