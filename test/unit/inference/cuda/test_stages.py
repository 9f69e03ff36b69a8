"""Every stage by its kernels beside plain torch: all models, sizes that are no multiple of 32."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

from kernel_world import LARGE, LOOSE, blobs, frame_of, fused, numbers, reference, rows_of

from aliked_ros.config import MODELS
from aliked_ros.inference.cuda import launching
from aliked_ros.inference.cuda.stages import TritonStages
from aliked_ros.inference.stages import run_stages

pytestmark = pytest.mark.usefixtures("_no_gradients")


@pytest.fixture(name="_no_gradients", autouse=True)
def _fixture_no_gradients():
    with torch.no_grad():
        yield


def assert_close(found, expected, tolerance):
    """Ask for results that differ by at most a part of the largest number."""
    assert found.shape == expected.shape
    limit = tolerance * max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(found, expected, atol=limit, rtol=0)


def assert_same_maps(found, expected, tolerance):
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            assert_close(numbers(one), numbers(other), tolerance)


def assert_same_stages(network, images, device, dtype=torch.float32, tolerance=3e-6 * LOOSE):
    """Give both the same inputs at every stage."""
    plain, kernels = reference(network, dtype), TritonStages(network, dtype, LARGE)
    frame = frame_of(images, network.dim, device)
    other = frame_of(images, network.dim, device)
    geometry = frame.geometry
    first = plain.first(frame.pixels, geometry, frame.controls)
    assert_same_maps(kernels.first(other.pixels, geometry, other.controls), first, tolerance)
    assert torch.equal(frame.controls.varies, other.controls.varies)
    second = plain.second(first.pooled)
    assert_same_maps(kernels.second(first.pooled), second, tolerance)
    third = plain.third(second.pooled)
    assert_same_maps(kernels.third(second.pooled), third, tolerance)
    fourth = plain.fourth(third.pooled)
    assert_same_maps(kernels.fourth(third.pooled), fourth, tolerance)
    coarse = (second.coarse, third.coarse, fourth.coarse)
    score_map = plain.score(first.fine, coarse, geometry)
    # Behind the eight channels everything is float32, whatever the maps are.
    torch.testing.assert_close(
        kernels.score(first.fine, coarse, geometry), score_map, atol=2e-6 * LOOSE, rtol=0
    )
    plain.detect(score_map, frame.controls, frame.outputs)
    kernels.detect(score_map, other.controls, other.outputs)
    levels = (second.level, third.level, fourth.level)
    plain.describe(first.x1, levels, geometry, frame.outputs)
    kernels.describe(first.x1, levels, geometry, other.outputs)
    for image in range(geometry.batch):
        expected, found = rows_of(frame.outputs, image), rows_of(other.outputs, image)
        for one, another in zip(found, expected, strict=True):
            torch.testing.assert_close(one, another, atol=1e-5 * LOOSE, rtol=0)
    return frame


SIZES = {  # px; of each model, as all sizes of all models would take long
    "aliked-t16": (1, 37, 45, 3),
    "aliked-n16": (1, 33, 40, 3),
    "aliked-n16rot": (1, 20, 31, 3),
    "aliked-n32": (1, 40, 27, 3),
}


@pytest.mark.parametrize("model", MODELS)
def test_every_stage_gives_the_numbers_of_torch(model, device):
    network = fused(model, device)
    frame = assert_same_stages(network, blobs(*SIZES[model]), device)
    assert int(frame.outputs.num_found[0]) > 10


@pytest.mark.parametrize("shape", [(2, 29, 20, 1), (1, 1, 1, 3), (1, 5, 35, 3), (1, 32, 32, 3)])
def test_any_size_any_batch_and_grey_give_the_numbers_of_torch(shape, device):
    assert_same_stages(fused("aliked-t16", device), blobs(*shape), device)


def test_half_precision_differs_by_its_rounding(device):
    network = fused("aliked-n16", device)
    assert_same_stages(network, blobs(1, 33, 30, 3), device, torch.float16, tolerance=4e-3)


def run(stages, images, dim, device, **settings):
    frame = frame_of(images, dim, device, **settings)
    run_stages(stages, frame.pixels, frame.geometry, frame.controls, frame.outputs)
    return frame


def test_an_image_gives_the_same_bits_alone_and_in_company(device):
    network = fused("aliked-t16", device)
    stages = TritonStages(network, torch.float32, LARGE)
    images = torch.cat([blobs(1, 30, 27, 3, seed) for seed in range(2)])
    together = run(stages, images, network.dim, device)
    alone = run(stages, images[1:], network.dim, device)
    found = rows_of(together.outputs, 1)
    assert len(found[0]) > 10
    for one, other in zip(found, rows_of(alone.outputs), strict=True):
        assert torch.equal(one, other)


def test_behind_the_last_keypoint_nothing_is_written(device):
    network = fused("aliked-t16", device)
    stages = TritonStages(network, torch.float32, LARGE)
    outputs = run(stages, blobs(1, 20, 30, 3), network.dim, device, max_keypoints=7).outputs
    assert outputs.num_found.tolist() == [7]
    for part in (outputs.keypoints, outputs.scores, outputs.dispersity, outputs.descriptors):
        assert part[0, :7].isfinite().all()
        assert part[0, 7:].isnan().all()


def test_one_pixel_in_one_channel_is_texture(device):
    network = fused("aliked-t16", device)
    stages = TritonStages(network, torch.float32, LARGE)
    flat = torch.full((3, 20, 30, 3), 99, dtype=torch.uint8)
    flat[1, 19, 29, 2] = 98  # the last number of the second image
    flat[2, 0, 0, 0] = 98  # the first of the third
    frame = frame_of(flat, network.dim, device)
    stages.first(frame.pixels, frame.geometry, frame.controls)
    assert frame.controls.varies.tolist() == [0, 1, 1]


@pytest.mark.parametrize("model", MODELS)
def test_a_frame_takes_fewer_than_forty_launches_and_nothing_else(model, device, monkeypatch):
    kernels = []
    monkeypatch.setattr(launching, "start", lambda *given: kernels.append(given))
    network = fused(model, device)
    stages = TritonStages(network, torch.float32)
    frame = frame_of(blobs(1, 64, 64, 3), network.dim, device)
    with CountOperations() as others:
        run_stages(stages, frame.pixels, frame.geometry, frame.controls, frame.outputs)
    assert 20 < len(kernels) < 36  # with the copies up and down, and a fresh copy, below 40
    assert others.names == set()


class CountOperations(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes what torch computes; making memory and views of it starts nothing on a device."""

    FREE = ("empty", "empty_like", "view", "slice", "select", "fill")

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__.rstrip("_")
        if name not in self.FREE:
            self.names.add(name)
        return function(*args, **(kwargs or {}))
