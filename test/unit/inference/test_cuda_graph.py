"""When frames are recorded and when not, with a stand-in for the GPU."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from stand_in_gpu import END, StandIn, assert_same, image, infer

from aliked_ros.inference.cuda_graph import _MAX_FRAMES


def test_the_stages_give_the_features_of_the_network(machine, fused, direct):
    inference = infer(machine, fused)
    for images in ([image(0)], [image(1), image(2)], [image(3)[:, :, 0]], [image(4, 33, 21)]):
        assert_same(inference(images, 30, 0.0), direct(images, 30, 0.0))


def test_a_size_is_recorded_with_its_first_image_and_replayed_from_then_on(machine, fused, direct):
    inference = infer(machine, fused)
    inference([image(0)], 20, 0.0)
    assert machine.calls == ["session", "capture", "replay", *END]
    machine.calls.clear()
    assert_same(inference([image(1)], 20, 0.0), direct([image(1)], 20, 0.0))
    assert machine.calls == ["session", "replay", *END]


def test_one_recording_serves_every_number_of_keypoints_and_every_threshold(machine, fused, direct):
    """A budget that looks for the number of keypoints must not make each one slow at first."""
    inference = infer(machine, fused)
    settings = itertools.product((20, 18, 16, 200, 1), (0.0, 0.3, 0.9))
    for number, (max_keypoints, threshold) in enumerate(settings):
        given = ([image(number)], max_keypoints, threshold)
        assert_same(inference(*given), direct(*given))
    assert machine.calls.count("capture") == 1


def test_more_keypoints_than_there_is_room_for_are_recorded_again(machine, fused, direct):
    inference = infer(machine, fused)
    for max_keypoints in (20, 2000, 20):
        given = ([image(0, 96, 128)], max_keypoints, 0.0)
        assert_same(inference(*given), direct(*given))
    assert machine.calls.count("capture") == 2


def test_only_the_newest_sizes_are_remembered(machine, fused):
    inference = infer(machine, fused)
    for width in range(40, 40 + _MAX_FRAMES + 3):
        inference([image(0, 33, width)], 20, 0.0)
    assert len(inference._slots) == _MAX_FRAMES
    inference([image(0, 33, 40 + _MAX_FRAMES + 2)], 20, 0.0)
    assert machine.calls.count("capture") == _MAX_FRAMES + 3


def test_results_are_not_overwritten_by_the_next_image(machine, fused):
    inference = infer(machine, fused)
    (first,) = inference([image(0)], 20, 0.0)
    kept = first.descriptors.clone()
    (second,) = inference([image(1)], 20, 0.0)
    assert torch.equal(first.descriptors, kept)
    assert torch.equal(first.on_host.descriptors, kept)
    assert not torch.equal(second.descriptors, kept)


def test_features_outlive_all_images_that_come_later(machine, fused):
    inference = infer(machine, fused)
    kept = [inference([image(seed)], 20, 0.0)[0] for seed in range(12)]
    expected = [infer(StandIn(), fused)([image(seed)], 20, 0.0)[0] for seed in range(12)]
    assert_same(kept, expected)
    assert_same([one.on_host for one in kept], [one.on_host for one in expected])


def test_a_view_of_features_is_enough_to_keep_them(machine, fused):
    inference = infer(machine, fused)
    scores = inference([image(0)], 20, 0.0)[0].on_host.scores[3:]
    kept = scores.clone()
    for seed in range(1, 8):
        inference([image(seed)], 20, 0.0)
    assert torch.equal(scores, kept)


def test_page_locked_memory_is_used_again_when_nobody_looks_at_it(machine, fused, monkeypatch):
    inference = infer(machine, fused)
    inference([image(0)], 20, 0.0)
    sizes = []
    monkeypatch.setattr(machine, "pinned", lambda size: sizes.append(size) or torch.empty(size))
    for seed in range(1, 8):
        inference([image(seed)], 20, 0.0)
    assert sizes == []


def found_far_away(frame):
    """Put keypoints where those of a large image are, without a network."""
    generator = torch.Generator().manual_seed(0)
    count = int(frame.controls.limit)
    outputs = frame.outputs
    outputs.header.fill_(count)
    outputs.keypoints[:, :count] = 300 + 900 * torch.rand(1, count, 2, generator=generator)
    outputs.scores[:, :count] = 0.5
    outputs.dispersity[:, :count] = 0.1
    outputs.descriptors[:, :count] = torch.nn.functional.normalize(
        torch.randn(1, count, frame.dim, generator=generator), dim=2
    )


def test_a_recording_of_a_large_image_is_used(machine, fused):
    """Measured by way of a matrix product, pixels are far from themselves there."""
    inference = infer(machine, fused, found_far_away)
    for _ in range(2):
        inference([image(0, 8, 8)], 1000, 0.0)
    assert machine.calls.count("capture") == 1
    assert machine.calls.count("replay") == 2


def test_a_frame_takes_few_operations_of_torch_besides_its_recording(machine, fused):
    """Each takes as long as copying the image does, wherever the processor is slow."""
    inference = infer(machine, fused, found_far_away)
    inference([image(0)], 1000, 0.0)
    (slot,) = inference._slots.values()
    slot.replay = lambda: None
    inference([image(1)], 1000, 0.0)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as watch:
        inference([image(2)], 1000, 0.0)
    names = Counter(event.name for event in watch.events() if event.name.startswith("aten::"))
    assert names["aten::as_strided"] == 4  # views of the results on the device
    assert names["aten::copy_"] == 2  # down, and out of the next frame's way
    assert sum(names.values()) <= 12, names


def test_threads_do_not_mix_their_images(machine, fused, direct):
    inference = infer(machine, fused)
    images = [image(number, 33 + 8 * (number % 2)) for number in range(12)]
    expected = [direct([one], 20, 0.0) for one in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: inference([one], 20, 0.0), images))
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def test_images_on_the_device_wait_for_the_callers_work_and_others_do_not(machine, fused):
    inference = infer(machine, fused)
    inference([image(0)], 20, 0.0)
    inference([torch.from_numpy(image(0))], 20, 0.0)
    assert "session after caller" not in machine.calls
    meta = torch.empty(48, 64, 3, dtype=torch.uint8, device="meta")
    with pytest.raises(NotImplementedError):  # no numbers to be had
        inference([meta], 20, 0.0)
    assert machine.calls[-1] == "session after caller"
