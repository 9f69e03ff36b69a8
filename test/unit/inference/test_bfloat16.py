"""The network in bfloat16 beside float32, and who cannot have it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.config import MODELS
from aliked_ros.inference import bfloat16, workspace
from aliked_ros.inference.bfloat16 import Bfloat16ALIKED, why_no_bfloat16
from aliked_ros.inference.compiled import CompiledALIKED
from aliked_ros.inference.kernels import Weights16, load_kernels, open_kernels
from aliked_ros.network.aliked import ALIKED

CPU = torch.device("cpu")
KERNELS = load_kernels()
WHY_NOT = why_no_bfloat16(CPU, "auto")
needs_bfloat16 = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
CONFIG = ExtractorConfig(model="aliked-t16", weights="seed:0", device="cpu", precision="bfloat16")


@pytest.fixture(scope="module")
def photograph(golden_dir):
    return np.ascontiguousarray(cv2.imread(str(golden_dir / "tum_desk.png"))[:, :, ::-1])


def noise(height, width, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, channels, height // 4 + 2, width // 4 + 2, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return fine.permute(0, 2, 3, 1).clamp(0, 1).mul(255).to(torch.uint8).contiguous()


@needs_bfloat16
@pytest.mark.parametrize("model", MODELS)
def test_trained_networks_find_and_describe_as_float32_does(model, weights_dir, photograph):
    config = replace(CONFIG, model=model, weights=str(weights_dir / f"{model}.pth"))
    extractor = Extractor(config)
    assert extractor.backend == "compiled kernels, bfloat16"
    found = extractor(photograph)
    expected = Extractor(replace(config, precision="float32"))(photograph)
    distances = torch.cdist(expected.keypoints.double(), found.keypoints.double())
    nearest, index = distances.min(dim=1)
    is_near = nearest < 0.1
    assert is_near.double().mean() >= 0.99
    cosines = (expected.descriptors * found.descriptors[index]).sum(dim=1)
    assert cosines[is_near].mean() > 0.9999
    assert cosines[is_near].quantile(0.01) > 0.999
    # Across an edge between pixels the descriptor head looks at other pixels.
    is_same = (expected.keypoints.floor() == found.keypoints[index].floor()).all(dim=1)
    assert cosines[is_near & is_same].min() > 0.999
    assert not torch.equal(found.descriptors, expected.descriptors)  # it is another arithmetic


def maps_of(workspace):
    """Return the maps of the four blocks, of a small image, with their borders."""
    fine = [strip._rows for strip in workspace.blocks]
    return fine + [deep.block.padded for deep in workspace.deep]


@needs_bfloat16
@pytest.mark.parametrize("model", ["aliked-t16", "aliked-n16"])
def test_blocks_are_those_of_numbers_rounded_to_bfloat16(model):
    """A wrong order of weights or channels would show here, whatever the heads make of it."""
    network = ALIKED.from_seed(model, 0).eval().fuse()
    half, full = Bfloat16ALIKED(network, KERNELS), CompiledALIKED(network, KERNELS)
    for shape in ((96, 128, 3), (97, 125, 3), (33, 31, 1)):
        pixels = noise(*shape)
        half.encode(pixels)
        full.encode(pixels)
        for found, expected in zip(maps_of(half._maps), maps_of(full._maps), strict=True):
            scale = expected.abs().max()
            torch.testing.assert_close(found.float(), expected, atol=0.02 * scale, rtol=0)


@needs_bfloat16
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 3]), st.integers(0, 9))
def test_any_size_gives_about_the_values_of_float32(height, width, channels, seed):
    network = ALIKED.from_seed("aliked-t16", 0).eval().fuse()
    half, full = Bfloat16ALIKED(network, KERNELS), CompiledALIKED(network, KERNELS)
    pixels = noise(height, width, channels, seed)
    (found, pyramid), (expected, full_pyramid) = half.encode(pixels), full.encode(pixels)
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)
    points = torch.rand(20, 2) * torch.tensor([width - 1, height - 1])
    cosines = (half.describe(pyramid, points) * full.describe(full_pyramid, points)).sum(dim=1)
    assert cosines.min() > 0.999


@needs_bfloat16
@pytest.mark.parametrize("shape", [(157, 203, 3), (289, 96, 1)])
def test_strips_change_no_bit(monkeypatch, shape):
    network, pixels = ALIKED.from_seed("aliked-n16", 0).eval().fuse(), noise(*shape)
    expected, descriptors = Bfloat16ALIKED(network, KERNELS)(pixels, 300, 0.0)
    monkeypatch.setattr(workspace, "_STEP_PIXELS", 1)
    monkeypatch.setattr(workspace, "_BLOCK1_NUMBERS", 0)
    strips = Bfloat16ALIKED(network, KERNELS)
    for _ in range(2):
        found, others = strips(pixels, 300, 0.0)
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
        assert torch.equal(others, descriptors)
    assert len(strips._maps.ends) == -(-shape[0] // 32)


@needs_bfloat16
def test_an_image_gives_the_same_bits_with_one_thread_and_with_several(photograph):
    before = torch.get_num_threads()
    extractor = Extractor(CONFIG)
    try:
        results = []
        for num_threads in (1, 3):
            torch.set_num_threads(num_threads)
            results.append(extractor(photograph))
    finally:
        torch.set_num_threads(before)
    for name in ("keypoints", "scores", "descriptors"):
        assert torch.equal(*(getattr(features, name) for features in results))


def test_the_sum_of_the_taps_survives_the_rounding():
    weight = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    matrix = bfloat16._taps(weight)
    assert torch.equal(matrix, matrix.to(torch.bfloat16).float())
    found = matrix.view(8, 9, 4).transpose(1, 2)
    smallest = weight.flatten(2).abs().amin(dim=2)
    error = (found.sum(dim=2) - weight.sum(dim=(2, 3))).abs()
    assert (error <= smallest / 100 + 1e-4).all()
    plain = (weight.to(torch.bfloat16).float() - weight).sum(dim=(2, 3)).abs()
    assert error.mean() < plain.mean() / 3


def test_weights_lie_in_pairs_or_in_fours():
    matrix = torch.arange(64 * 8, dtype=torch.float32).view(64, 8) % 251
    pairs, _ = Weights16.pack(matrix).memory
    assert pairs.shape == (2, 4, 32, 2)
    assert torch.equal(pairs[1, 2, 5].float(), matrix[32 + 5, 4:6])
    fours, _ = Weights16.pack(matrix[:8]).memory
    assert fours.shape == (1, 2, 8, 4)
    assert torch.equal(fours[0, 1, 3].float(), matrix[3, 4:])


class Elsewhere:
    """Kernels on a processor without the instructions."""

    def aliked_has_bfloat16(self):
        return 0


@pytest.mark.parametrize(
    ("kernels", "word"), [(Elsewhere(), "no AVX512_BF16"), (None, "not installed")]
)
def test_where_it_cannot_run_it_is_refused_with_a_remedy(monkeypatch, kernels, word):
    monkeypatch.setattr(bfloat16, "load_kernels", lambda: kernels)
    with pytest.raises(
        ValueError, match=rf"precision is 'bfloat16' on .*'cpu'.*{word}.*set precision to 'float32'"
    ):
        Extractor(CONFIG)


def test_the_plain_network_and_a_gpu_have_none():
    with pytest.raises(ValueError, match="set precision to 'float32' or backend to 'auto'"):
        Extractor(replace(CONFIG, backend="torch"))
    assert "'float16'" in why_no_bfloat16(torch.device("cuda"), "auto")


def test_the_build_for_processors_without_avx512_has_none():
    try:
        kernels = open_kernels("x86-64-v3")
    except OSError:
        pytest.skip("there is no such build for this processor")
    assert kernels.aliked_has_bfloat16() == 0
