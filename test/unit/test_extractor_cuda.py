"""What only a GPU can show: the same features as on the CPU, one wait per frame, sound failures."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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
NAMES = ("keypoints", "scores", "dispersity", "descriptors")


@pytest.fixture(scope="module")
def extractor():
    return Extractor(CUDA)


def assert_same(
    found: Features, expected: Features, tolerance_px: float, part: float, cosine: float = 0.999
) -> None:
    """Ask that a part of the keypoints, in [0, 1], has a partner and the same descriptor."""
    distances = torch.cdist(expected.keypoints.double().cpu(), found.keypoints.double().cpu())
    nearest, index = distances.min(dim=1)
    is_near = nearest < tolerance_px
    assert is_near.float().mean() >= part
    cosines = (expected.descriptors.cpu() * found.descriptors.cpu()[index]).sum(dim=1)
    assert (cosines[is_near] > cosine).float().mean() >= part


def assert_same_bits(found: Features, expected: Features) -> None:
    for name in NAMES:
        assert torch.equal(getattr(found, name), getattr(expected, name))


def rolled(image, number):
    return np.ascontiguousarray(np.roll(image, 7 * number, axis=1))


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_cuda_gives_the_features_of_the_cpu(textured_image, backend):
    features = Extractor(replace(CUDA, backend=backend))(textured_image)
    assert features.keypoints.is_cuda
    assert features.descriptors.is_cuda
    assert_same(features, Extractor(CPU)(textured_image), tolerance_px=0.01, part=0.95)


def test_no_kernel_is_left_out(extractor):
    if torch.cuda.get_device_capability() >= (8, 0):
        pytest.importorskip("triton")
        assert extractor.left_out == {}
        assert extractor.backend == "Triton kernels in CUDA graphs"


def test_half_precision_stays_close(weights_dir, golden_dir):
    # With trained weights: the scores of an untrained network differ less than half can tell.
    image = np.ascontiguousarray(cv2.imread(str(golden_dir / "tum_desk.png"))[:, :, ::-1])
    config = replace(CUDA, weights=str(weights_dir / "aliked-t16.pth"), max_keypoints=1000)
    features = Extractor(replace(config, precision="float16"))(image)
    assert features.descriptors.dtype == features.keypoints.dtype == torch.float32
    assert_same(features, Extractor(config)(image), tolerance_px=0.1, part=0.99)


def test_an_image_gives_the_same_bits_alone_and_in_a_batch(textured_image, extractor):
    flat = textured_image.copy()
    flat[30:] = 128
    images = [textured_image, flat, np.full_like(flat, 9), flat[:40]]
    for image, features in zip(images, extractor.extract_all(images), strict=True):
        assert_same_bits(features, extractor(image))


def test_a_batch_of_the_plain_network_gives_the_keypoints_of_its_images(textured_image):
    """Libraries choose other algorithms for other batches: equal up to rounding, and its order."""
    plain = Extractor(replace(CUDA, backend="torch"))
    images = [textured_image, rolled(textured_image, 3)]
    for image, features in zip(images, plain.extract_all(images), strict=True):
        alone = plain(image)
        assert len(features) == len(alone)
        assert_same(features, alone, tolerance_px=0.01, part=0.99)


def test_a_frame_waits_for_the_device_once(textured_image, extractor):
    for _ in range(3):
        extractor(textured_image)
    try:  # waiting for the event that ends a frame is not counted by torch
        torch.cuda.set_sync_debug_mode("error")
        extractor(textured_image)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_recorded_frame_gives_what_the_plain_network_gives(textured_image):
    extractor, plain = Extractor(CUDA), Extractor(replace(CUDA, backend="torch"))
    for number in range(4):
        image = rolled(textured_image, number)
        features, expected = extractor(image), plain(image)
        assert len(features) == len(expected)
        assert_same(features, expected, tolerance_px=0.01, part=0.98)
        assert_same_bits(features.on_host, features.to("cpu"))
        assert torch.equal(features.on_host.keypoints, features.keypoints.cpu())
        assert features.to("cuda").to("cpu") is features.on_host


def test_settings_change_without_another_recording_or_more_memory(textured_image):
    extractor = Extractor(CUDA)
    extractor(textured_image)
    (slot,) = extractor._inference._slots.values()
    recorded, reserved = slot.replay, torch.cuda.memory_reserved()
    assert recorded is not None
    for max_keypoints, threshold in ((150, 0.0), (40, 0.3), (200, 0.9), (1, 0.0)):
        changed = replace(
            extractor.config, max_keypoints=max_keypoints, detection_threshold=threshold
        )
        extractor.reconfigure(changed)
        plain = Extractor(replace(changed, backend="torch"))
        assert len(extractor(textured_image)) == len(plain(textured_image))
    assert [one.replay for one in extractor._inference._slots.values()] == [recorded]
    assert torch.cuda.memory_reserved() <= reserved + (64 << 20)


def test_memory_does_not_grow_with_the_sizes(textured_image):
    extractor = Extractor(CUDA)
    for height in range(40, 96, 4):
        extractor(textured_image[:height])
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    for _ in range(2):
        for height in range(40, 96, 4):
            extractor(textured_image[:height])
    assert torch.cuda.memory_reserved() <= before + (32 << 20)


def test_threads_do_not_mix_their_images(textured_image, extractor):
    images = [rolled(textured_image, number) for number in range(8)]
    expected = [extractor(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(extractor, images * 5))
    for one, other in zip(found, expected * 5, strict=True):
        assert_same_bits(one, other)


def test_an_image_on_the_device_needs_no_way_through_the_host(textured_image, extractor):
    expected = extractor(textured_image)
    there = torch.from_numpy(textured_image).cuda()

    class Producer:
        def __dlpack__(self, **given):
            return there.__dlpack__(**given)

        def __dlpack_device__(self):
            return there.__dlpack_device__()

    for image in (there, Producer(), there.permute(1, 0, 2).contiguous().permute(1, 0, 2)):
        assert_same_bits(extractor(image), expected)


def test_an_image_that_is_still_being_written_is_waited_for(textured_image, extractor):
    expected = extractor(textured_image)
    there = torch.zeros(textured_image.shape, dtype=torch.uint8, device="cuda")
    source = torch.from_numpy(textured_image).cuda()
    extractor(there)
    for _ in range(3):
        there.zero_()
        torch.cuda._sleep(20_000_000)
        there.copy_(source)
        assert_same_bits(extractor(there), expected)


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_the_new_settings_of_tf32_change_nothing(textured_image, backend):
    extractor = Extractor(replace(CUDA, backend=backend))
    expected = extractor(textured_image)
    if not hasattr(torch.backends, "fp32_precision"):
        pytest.skip("this torch has the old settings only")
    before = torch.backends.fp32_precision
    try:
        torch.backends.fp32_precision = "tf32"
        torch.backends.cudnn.conv.fp32_precision = "tf32"
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        assert_same(extractor(textured_image), expected, tolerance_px=1e-3, part=1.0)
    finally:
        torch.backends.fp32_precision = before
        torch.backends.cudnn.conv.fp32_precision = "none"
        torch.backends.cuda.matmul.fp32_precision = "none"


def fill_memory():
    torch.empty(1 << 46, dtype=torch.uint8, device="cuda")


@pytest.mark.parametrize("spoil", [fill_memory, torch.cuda.synchronize])
def test_a_recording_that_fails_leaves_a_sound_process(textured_image, spoil, caplog):
    extractor = Extractor(CUDA)
    inference = extractor._inference
    compute, num_calls = inference._compute, [0]

    def failing(frame):
        compute(frame)
        num_calls[0] += 1
        if num_calls[0] == 2:  # the first runs, the second is recorded
            spoil()

    inference._compute = failing
    expected = extractor(textured_image)
    assert "could not be recorded" in caplog.text
    reserved = torch.cuda.memory_reserved()
    block = torch.empty(64 << 20, dtype=torch.uint8, device="cuda")
    del block
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() <= reserved  # what is free goes back: no pool is open
    (slot,) = inference._slots.values()
    slot.pause = 0
    for _ in range(2):
        assert_same_bits(extractor(textured_image), expected)
    assert slot.replay is not None


def test_the_extractor_has_a_stream_of_its_own(textured_image, extractor):
    """Who waits for the default stream does not wait for the next frame."""
    extractor(textured_image)
    stream = extractor._inference._machine._stream
    assert stream != torch.cuda.default_stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(2_000_000_000)
    torch.cuda.default_stream().synchronize()
    assert not stream.query()
    stream.synchronize()


LOSE_THE_DEVICE = """
import os, numpy, torch
from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.inference.device_loss import DeviceLostError

extractor = Extractor(ExtractorConfig(model="aliked-t16", weights="seed:0", device="cuda"))
image = numpy.random.default_rng(0).integers(0, 255, (64, 64, 3), numpy.uint8)
extractor(image)
torch.zeros(1, device="cuda")[torch.tensor([9], device="cuda")]  # a crash on the device
for number in range(5):
    try:
        extractor(image)
    except DeviceLostError:
        print("lost after", number, flush=True)
        os._exit(7)  # as the nodes do: freeing memory of a lost device ends in abort()
    except RuntimeError:
        pass
"""


def test_a_lost_device_is_told_from_an_error_that_passes():
    done = subprocess.run(
        [sys.executable, "-c", LOSE_THE_DEVICE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.strip() == "lost after 2"


@pytest.mark.parametrize(("num0", "num1", "dim"), [(300, 300, 64), (1000, 777, 128), (1, 5, 128)])
def test_matching_on_cuda_equals_that_on_the_cpu(num0, num1, dim):
    generator = torch.Generator().manual_seed(0)
    first, second = (
        torch.nn.functional.normalize(torch.randn(num, dim, generator=generator), dim=1)
        for num in (num0, num1)
    )
    expected, _ = mutual_nearest_neighbours(first, second)
    matches, similarities = mutual_nearest_neighbours(first.cuda(), second.cuda())
    assert similarities.is_cuda
    assert torch.equal(matches.cpu(), expected)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one GPU only")
def test_the_second_gpu_leaves_the_first_alone(textured_image, extractor):
    expected = extractor(textured_image)
    before = torch.cuda.memory_allocated(0)
    features = Extractor(replace(CUDA, device="cuda:1"))(textured_image)
    assert features.keypoints.device == torch.device("cuda:1")
    assert torch.cuda.memory_allocated(0) == before
    assert_same(features, expected, tolerance_px=1e-3, part=1.0)
