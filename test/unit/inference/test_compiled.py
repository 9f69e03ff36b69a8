"""The compiled kernels beside the torch network, in every build that this machine can run."""

from __future__ import annotations

import platform
import resource
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aliked_ros.inference import workspace
from aliked_ros.inference.compiled import CompiledALIKED
from aliked_ros.inference.eager import EagerALIKED
from aliked_ros.inference.kernels import (
    Map,
    Weights,
    kernel_nearest_neighbours,
    load_kernels,
    open_kernels,
)
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.dkd import detect_at, suppress_non_maxima

BEST = load_kernels()
CAN_RUN = {"AVX512": ["x86-64-v3", "x86-64-v4"], "AVX2": ["x86-64-v3"]}
BUILDS = CAN_RUN.get(torch.backends.cpu.get_cpu_capability(), [platform.machine()])
CPU = torch.device("cpu")


def test_there_are_kernels_for_this_machine():
    assert BEST is not None
    assert BUILDS[-1] in BEST._name


@pytest.fixture(params=BUILDS)
def kernels(request):
    return open_kernels(request.param)


@pytest.fixture(scope="module")
def fused():
    return {
        model: ALIKED.from_seed(model, 0).eval().fuse()
        for model in ("aliked-t16", "aliked-n16", "aliked-n32")
    }


def photograph(height, width, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, channels, height // 4 + 2, width // 4 + 2, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return fine.permute(0, 2, 3, 1).clamp(0, 1).mul(255).to(torch.uint8).contiguous()


@torch.no_grad()
def assert_same_network(network, compiled, pixels):
    image = pixels.permute(0, 3, 1, 2).expand(-1, 3, -1, -1) / 255
    pyramid, score_map = network.encode(image)
    compiled_score_map, compiled_pyramid = compiled.encode(pixels)
    torch.testing.assert_close(compiled_score_map, score_map, atol=2e-5, rtol=0)
    height, width = pixels.shape[1:3]
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(40, 2, generator=generator) * torch.tensor([width - 1, height - 1])
    corners = torch.tensor([[0, 0], [width - 1, height - 1]], dtype=torch.float32)
    points = torch.cat((points, corners))
    expected = network.desc_head(pyramid, points.unsqueeze(0))[0]
    found = compiled.describe(compiled_pyramid, points)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("model", ["aliked-t16", "aliked-n16", "aliked-n32"])
def test_score_map_and_descriptors_are_those_of_torch(kernels, fused, model):
    compiled = CompiledALIKED(fused[model], kernels)
    for shape in ((96, 128, 3), (97, 125, 3), (64, 96, 1)):
        assert_same_network(fused[model], compiled, photograph(*shape))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 3]), st.integers(0, 9))
def test_any_size_gives_the_values_of_torch(fused, height, width, channels, seed):
    compiled = CompiledALIKED(fused["aliked-t16"], BEST)
    assert_same_network(fused["aliked-t16"], compiled, photograph(height, width, channels, seed))


def test_keypoints_are_those_of_torch(kernels, fused):
    network = fused["aliked-n16"]
    pixels = photograph(120, 160, 3)
    expected, _ = EagerALIKED(network, CPU, torch.float32)(pixels, 60, 0.0)
    found, descriptors = CompiledALIKED(network, kernels)(pixels, 60, 0.0)
    distances = torch.cdist(expected.keypoints[0].double(), found.keypoints[0].double())
    assert (distances.min(dim=1).values < 0.01).float().mean() > 0.95
    assert descriptors.shape == (1, 60, 128)


def test_selu_is_exact_to_seven_digits(kernels):
    x = torch.cat((torch.linspace(-20, 20, 64 * 400), torch.logspace(-30, 30, 64))).view(-1, 64)
    x = torch.cat((x, -x))
    out = torch.empty_like(x)
    identity = Weights.pack(torch.eye(64))
    kernels.aliked_multiply(x.data_ptr(), len(x), identity, 1, out.data_ptr())
    expected = torch.nn.functional.selu(x.double())
    torch.testing.assert_close(out.double(), expected, atol=4e-7, rtol=1.2e-7)


def test_deformed_taps_find_zeros_outside_the_map(kernels):
    generator = torch.Generator().manual_seed(0)
    height, width, channels = 5, 7, 32
    x, offsets = Map.zeros(height, width, channels), Map.zeros(height, width, 32)
    out = Map.zeros(height, width, 16)
    x.padded[1:-1, 1:-1] = torch.randn(height, width, channels, generator=generator)
    inside = offsets.padded[1:-1, 1:-1, :18]
    inside[...] = 4 * torch.randn(height, width, 18, generator=generator)
    inside[0, 0] = torch.tensor([1e30, -1e30] * 9)
    weight = torch.randn(16, 9 * channels, generator=generator) / 20
    kernels.aliked_convolve_deformable(x, offsets, 1e30, None, Weights.pack(weight), out)
    tap = torch.stack(torch.meshgrid(torch.arange(-1, 2), torch.arange(-1, 2), indexing="ij"), -1)
    pixel = torch.stack(torch.meshgrid(torch.arange(5), torch.arange(7), indexing="ij"), -1)
    places = pixel.unsqueeze(2) + tap.view(9, 2) + inside.view(height, width, 9, 2)  # (y, x)
    grid = (2 * places / torch.tensor([height - 1, width - 1]) - 1).flip(-1).clamp(-9, 9)
    taps = torch.nn.functional.grid_sample(
        x.padded[1:-1, 1:-1].permute(2, 0, 1).unsqueeze(0),
        grid.view(1, height, -1, 2),
        align_corners=True,
    )  # (1, C, H, 9 W)
    taps = taps[0].view(channels, height, width, 9).permute(1, 2, 3, 0)
    expected = torch.nn.functional.selu(taps.flatten(2) @ weight.T)
    torch.testing.assert_close(out.padded[1:-1, 1:-1], expected, atol=2e-5, rtol=0)
    assert (out.padded[1, 1] == 0).all()


def in_strips(monkeypatch, keeps_block1=False):
    """Let images of this test go through in strips of 32 rows."""
    monkeypatch.setattr(workspace, "_STEP_PIXELS", 1)
    monkeypatch.setattr(workspace, "_BLOCK1_NUMBERS", 10**9 if keeps_block1 else 0)


@pytest.mark.parametrize("model", ["aliked-t16", "aliked-n16"])
@pytest.mark.parametrize("shape", [(157, 203, 3), (289, 96, 1), (31, 500, 3), (320, 64, 3)])
def test_strips_change_no_bit(kernels, fused, monkeypatch, model, shape):
    pixels = photograph(*shape)
    whole = CompiledALIKED(fused[model], kernels)
    expected, descriptors = whole(pixels, 400, 0.0)
    score_map = whole.encode(pixels)[0].clone()
    for keeps_block1 in (False, True):
        in_strips(monkeypatch, keeps_block1)
        strips = CompiledALIKED(fused[model], kernels)
        for _ in range(2):  # the second image finds the memory of the first one
            found, others = strips(pixels, 400, 0.0)
            assert torch.equal(strips.encode(pixels)[0], score_map)
            assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
            assert torch.equal(others, descriptors)
        num_strips = -(-shape[0] // 32)
        assert len(strips._maps.ends) == num_strips
        assert len(whole._maps.ends) == 1
        assert whole._maps.keeps_block1


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 150), st.integers(1, 60), st.sampled_from([1, 3]), st.integers(0, 9))
def test_any_size_in_strips_gives_the_values_of_torch(fused, height, width, channels, seed):
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_strips(monkeypatch)
        compiled = CompiledALIKED(fused["aliked-n16"], BEST)
        pixels = photograph(height, width, channels, seed)
        assert_same_network(fused["aliked-n16"], compiled, pixels)


PEAK_OF_4K = r"""
import re, torch
from pathlib import Path
from aliked_ros.inference.compiled import CompiledALIKED
from aliked_ros.inference.kernels import load_kernels
from aliked_ros.network.aliked import ALIKED

def megabytes(key):
    return int(re.search(key + r":\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

compiled = CompiledALIKED(ALIKED.from_seed("aliked-t16", 0).eval().fuse(), load_kernels())
pixels = torch.randint(256, (1, 2160, 3840, 3), dtype=torch.uint8)
with torch.no_grad():
    compiled(pixels[:, :64, :64], 9, 0.0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = megabytes("VmRSS")
    compiled(pixels, 1000, 0.0)
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_4k_image_takes_less_than_800_megabytes():
    result = subprocess.run(
        [sys.executable, "-c", PEAK_OF_4K], check=True, timeout=300, capture_output=True, text=True
    )
    assert 100 < float(result.stdout) < 800


def test_no_keypoint_gives_no_descriptor(kernels, fused):
    found, descriptors = CompiledALIKED(fused["aliked-t16"], kernels)(photograph(40, 40, 3), 9, 1.0)
    assert found.keypoints.shape == (1, 0, 2)
    assert descriptors.shape == (1, 0, 64)


def test_threads_do_not_mix_their_images(fused):
    compiled = CompiledALIKED(fused["aliked-t16"], BEST)
    images = [photograph(64 + 32 * (i % 2), 96, 3, seed=i) for i in range(8)]
    expected = [compiled(image, 30, 0.0)[1] for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda image: compiled(image, 30, 0.0)[1], images))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 3), (4, 90), (97, 101)])
@pytest.mark.parametrize("levels", [4, 1000])
def test_maxima_are_those_of_torch_with_ties(kernels, shape, levels):
    generator = torch.Generator().manual_seed(levels)
    score_map = torch.randint(levels, (1, *shape), generator=generator) / levels
    peaks = torch.empty_like(score_map)
    kernels.aliked_suppress_non_maxima(score_map.data_ptr(), *shape, peaks.data_ptr())
    assert torch.equal(peaks, suppress_non_maxima(score_map))


@pytest.mark.parametrize("model", ["aliked-t16", "aliked-n16"])
def test_the_number_of_threads_changes_no_bit(kernels, fused, model):
    compiled, pixels = CompiledALIKED(fused[model], kernels), photograph(150, 203, 3)
    before, results = torch.get_num_threads(), []
    try:
        for num_threads in (1, 2, 5):
            torch.set_num_threads(num_threads)
            for _ in range(3):  # the threads share the work differently each time
                found, descriptors = compiled(pixels, 200, 0.0)
                nearest = kernel_nearest_neighbours(kernels, descriptors[0], descriptors[0][7:])
                results.append((*found, descriptors, *nearest))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(*pair) for pair in zip(result, results[0], strict=True))


def test_peaks_are_refined_and_sorted_as_by_torch(kernels, fused):
    score_map = torch.rand(1, 40, 50, generator=torch.Generator().manual_seed(3))
    score_map[0, :20] = (score_map[0, :20] * 8).round() / 8
    peaks = suppress_non_maxima(score_map).flatten()
    index = torch.nonzero(peaks > 0.5)[:, 0]
    wanted = detect_at(score_map, index[None], torch.ones(1, len(index), dtype=torch.bool))
    found = CompiledALIKED(fused["aliked-t16"], kernels)._refine(score_map, index)
    assert 20 < len(index) == found.is_valid.sum()
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_of_equal_scores_the_first_stays_first(kernels, fused):
    score_map = torch.full((1, 30, 30), 0.5)
    index = torch.tensor([310, 67, 440])
    found = CompiledALIKED(fused["aliked-t16"], kernels)._refine(score_map, index)
    assert found.keypoints.tolist() == [[[10, 10], [7, 2], [20, 14]]]
    torch.testing.assert_close(found.dispersity, torch.ones(1, 3))


def test_descriptors_that_are_there_twice_have_the_first_one_as_neighbour(kernels):
    descriptors = torch.nn.functional.normalize(torch.rand(400, 64), dim=1)
    twice = torch.cat((descriptors, descriptors))
    before = torch.get_num_threads()
    torch.set_num_threads(5)
    try:
        for _ in range(20):
            _, nearest1, nearest0 = kernel_nearest_neighbours(kernels, twice, descriptors)
            assert nearest0.tolist() == list(range(400))
            assert nearest1.tolist() == 2 * list(range(400))
    finally:
        torch.set_num_threads(before)


def test_a_frame_takes_no_new_memory(fused):
    compiled, pixels = CompiledALIKED(fused["aliked-t16"], BEST), photograph(480, 640, 3)
    faults = []
    for _ in range(12):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        compiled(pixels, 1000, 0.0)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert statistics.median(faults[4:]) < 300


def test_two_sizes_in_turns_keep_their_memory_and_large_ones_do_not(fused):
    compiled = CompiledALIKED(fused["aliked-t16"], BEST)
    for shape in ((64, 96, 3), (96, 64, 3)) * 2:
        compiled(photograph(*shape), 30, 0.0)
    first = dict(compiled._workspaces)
    compiled(photograph(64, 96, 3), 30, 0.0)
    assert compiled._workspaces == first
    assert len(first) == 2
    compiled._take_workspace((1600, 1600))
    assert list(compiled._workspaces) == [(1600, 1600)]


AFTER_FORK = """
import os, torch
from aliked_ros.inference.compiled import CompiledALIKED
from aliked_ros.inference.kernels import load_kernels
from aliked_ros.network.aliked import ALIKED

torch.set_num_threads(3)
compiled = CompiledALIKED(ALIKED.from_seed("aliked-t16", 0).eval().fuse(), load_kernels())
pixels = torch.randint(256, (1, 240, 320, 3), dtype=torch.uint8)
with torch.no_grad():
    expected = compiled(pixels, 500, 0.0)[1]
    child = os.fork()
    same = torch.equal(compiled(pixels, 500, 0.0)[1], expected)
if child == 0:
    os._exit(not same)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert same
"""


def test_a_forked_process_extracts_as_before():
    subprocess.run([sys.executable, "-c", AFTER_FORK], check=True, timeout=120)
