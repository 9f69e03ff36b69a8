import torch

from aliked_ros.inference.agreement import agree
from aliked_ros.inference.delivery import packed_length, split_packed

DIM = 8


def results(count=300, capacity=320):
    """Return results of one image of about 1000 px."""
    generator = torch.Generator().manual_seed(0)
    packed = torch.zeros(1, packed_length(capacity, DIM))
    packed[0, 0] = count
    keypoints, _, _, descriptors = split_packed(packed, DIM)
    keypoints.copy_(torch.rand(keypoints.shape, generator=generator) * 1000)
    noise = torch.randn(descriptors.shape, generator=generator)
    descriptors.copy_(torch.nn.functional.normalize(noise, dim=2))
    return packed


def test_equal_results_agree_and_those_without_keypoints_too():
    assert agree(results(), results(), DIM)
    assert agree(results(0), results(0), DIM)


def test_a_little_of_rounding_and_another_order_agree():
    found = results()
    keypoints, _, _, descriptors = split_packed(found, DIM)
    keypoints.add_(1e-3)
    for part in (keypoints, descriptors):
        part[0, :2] = part[0, :2].flip(0)
    assert agree(found, results(), DIM)


def test_other_keypoints_descriptors_or_counts_and_no_numbers_do_not():
    moved, turned, absent = results(), results(), results()
    split_packed(moved, DIM)[0].add_(0.1)
    split_packed(turned, DIM)[3].mul_(-1)
    absent.fill_(torch.nan)
    for found in (moved, turned, absent, results(299)):
        assert not agree(found, results(), DIM)
