from dataclasses import replace

import pytest
import torch

from aliked_ros.inference.delivery import deliver, pack, packed_length, split_packed, unpack
from aliked_ros.network.dkd import Detections

NAMES = ("keypoints", "scores", "dispersity", "descriptors")


def results(batch=2, num=5, dim=8):
    detections = Detections(
        torch.rand(batch, num, 2),
        torch.rand(batch, num),
        torch.rand(batch, num),
        torch.ones(batch, num, dtype=torch.bool),
    )
    return detections, torch.rand(batch, num, dim), torch.tensor([3, 0])


def test_one_tensor_holds_everything():
    detections, descriptors, counts = results()
    packed = pack(detections, descriptors, counts)
    assert packed[:, 0].tolist() == [3, 0]
    expected = deliver(detections, descriptors, counts, (48, 64))
    found = unpack(packed, packed.clone(), 8, (48, 64))
    for one, other in zip(found, expected, strict=True):
        for name in NAMES:
            assert torch.equal(getattr(one, name), getattr(other, name))
            assert torch.equal(getattr(one.on_host, name), getattr(other, name))
        assert one.image_size == other.image_size == (48, 64)


@pytest.mark.parametrize("num", [4, 100, 1024])
@pytest.mark.parametrize("dim", [64, 128])
def test_every_part_begins_at_a_multiple_of_16_bytes(num, dim):
    packed = torch.zeros(3, packed_length(num, dim))
    for part in split_packed(packed, dim):
        assert part.storage_offset() * 4 % 16 == part.stride(0) * 4 % 16 == 0
        assert part.shape[:2] == (3, num)


def test_features_are_cut_to_what_counts():
    assert [len(features) for features in deliver(*results(), (48, 64))] == [3, 0]


def test_downloaded_features_are_not_downloaded_again():
    here = deliver(*results(), (48, 64))[0]
    there = replace(here, keypoints=here.keypoints.to("meta"), on_host=here)
    assert there.to("cpu") is here


def test_what_is_on_the_host_is_not_lost_on_the_way_to_a_device():
    here = deliver(*results(), (48, 64))[0]
    there = here.to("meta")
    assert there.keypoints.device.type == "meta"
    assert there.to("cpu") is here
    assert there.to("meta") is there
    assert replace(there, on_host=None).to("meta").on_host is None
