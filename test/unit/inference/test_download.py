import gc

import pytest
import torch

from aliked_ros.inference.delivery import packed_length, split_packed, unpack
from aliked_ros.inference.download import _MAX_SPARE, Downloads

DIM, CAPACITY = 8, 12
NAMES = ("keypoints", "scores", "dispersity", "descriptors")


@pytest.fixture
def packed():
    packed = torch.rand(3, packed_length(CAPACITY, DIM))
    packed[:, 0] = torch.tensor([5, 0, 12])
    return packed


@pytest.fixture
def asked():
    """Sizes of page-locked memory that was asked for."""
    return []


@pytest.fixture
def downloads(packed, asked):
    def new_pinned(num_bytes):
        asked.append(num_bytes)
        return torch.full((num_bytes,), 77, dtype=torch.uint8)

    return Downloads(packed, DIM, (48, 64), new_pinned)


@pytest.mark.parametrize("num_expected", [0, 5, 12])
def test_features_are_those_of_the_buffer_however_many_were_expected(
    downloads, packed, num_expected
):
    expected = unpack(packed.clone(), packed.clone(), DIM, (48, 64))
    found = downloads.start(num_expected).finish()
    packed.fill_(torch.nan)  # the next frame
    for one, other in zip(found, expected, strict=True):
        assert one.image_size == one.on_host.image_size == (48, 64)
        for name in NAMES:
            assert torch.equal(getattr(one, name), getattr(other, name))
            assert torch.equal(getattr(one.on_host, name), getattr(other, name))


def test_as_many_keypoints_as_expected_are_no_work_after_the_wait(downloads, packed):
    packed[:, 0] = 12
    download = downloads.start(12)
    assert download.finish() is download.finish()


def test_memory_is_lent_again_when_the_last_view_is_gone(downloads, asked):
    for name in NAMES:
        features = downloads.start(5).finish()[0]
        part = getattr(features.on_host, name)[1:]
        del features
        gc.collect()
        downloads.start(5)
        assert len(asked) == 2  # this view keeps one
        del part
        gc.collect()


def test_no_more_memory_is_kept_than_a_few_frames_need(downloads, asked):
    many = [downloads.start(5).finish() for _ in range(3 * _MAX_SPARE)]
    assert len(asked) == len(many)
    many.clear()
    gc.collect()
    assert len(downloads._spare) == _MAX_SPARE


def test_what_is_on_the_host_is_what_split_packed_says(downloads, packed):
    (_, _, last) = downloads.start(12).finish()
    for name, part in zip(NAMES, split_packed(packed, DIM), strict=True):
        assert torch.equal(getattr(last.on_host, name), part[2])
