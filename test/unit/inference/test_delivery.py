from dataclasses import replace

import torch

from aliked_ros.inference.delivery import deliver, pack, unpack
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
    assert packed.shape == (2, 1 + 5 * 12)
    assert packed[:, 0].tolist() == [3, 0]
    expected = deliver(detections, descriptors, counts, (48, 64))
    for one, other in zip(unpack(packed, 8, [3.0, 0.0], (48, 64)), expected, strict=True):
        for name in NAMES:
            assert torch.equal(getattr(one, name), getattr(other, name))
        assert one.image_size == other.image_size == (48, 64)


def test_features_are_cut_to_what_counts():
    assert [len(features) for features in deliver(*results(), (48, 64))] == [3, 0]


def test_downloaded_features_are_not_downloaded_again():
    here = deliver(*results(), (48, 64))[0]
    there = replace(here, keypoints=here.keypoints.to("meta"), on_host=here)
    assert there.to("cpu") is here
    assert there.to("meta").on_host is None
