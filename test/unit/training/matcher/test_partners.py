"""Who is whose partner under a warp that is known."""

import math

import pytest
import torch

from aliked_ros.training.matcher.partners import NONE, UNKNOWN, partners
from aliked_ros.training.pairs.warps import HomographyWarp, Warped

SIZE = (100, 120)  # height and width, px


def warps_of(H, **covers):
    H = torch.tensor(H)
    return (
        HomographyWarp(H, SIZE, covers.get("cover1")),
        HomographyWarp(H.inverse(), SIZE, covers.get("cover0")),
    )


SHIFT = [[1.0, 0, 10], [0, 1, 0], [0, 0, 1]]  # 10 px to the right


def test_each_keypoint_has_its_partner_or_none_or_nothing_is_said():
    keypoints0 = torch.tensor([[20.0, 20], [50, 50], [80, 80], [115, 50], [20, 90]])
    keypoints1 = torch.tensor([[31.0, 20], [60, 54], [90, 88], [5, 5], [30, 90], [30.5, 90.5]])
    # 1 px off; 4 px off; 8 px off; leaves the image; exact, with a second one beside it.
    found0, found1 = partners(keypoints0, keypoints1, warps_of(SHIFT), 3.0, 5.0)
    assert found0.tolist() == [0, UNKNOWN, NONE, NONE, 4]
    assert found1.tolist() == [0, UNKNOWN, NONE, NONE, 4, UNKNOWN]


def test_a_homography_and_its_inverse_give_every_point_its_own_copy():
    c, s = math.cos(0.3), math.sin(0.3)
    H = [[1.1 * c, -s, 20.0], [s, 1.1 * c, -10.0], [1e-4, 2e-4, 1]]
    keypoints0 = 20 + 60 * torch.rand(40, 2, generator=torch.Generator().manual_seed(0))
    warps = warps_of(H)
    warped = warps[0](keypoints0)
    keypoints0, warped = keypoints0[warped.is_visible], warped.points[warped.is_visible]
    order = torch.randperm(len(warped), generator=torch.Generator().manual_seed(1))
    found0, found1 = partners(keypoints0, warped[order], warps, 1e-2, 1e-2)
    assert len(order) > 20
    assert torch.equal(found1, order)
    assert torch.equal(order[found0], torch.arange(len(order)))


def test_what_is_covered_in_the_other_image_has_no_partner():
    cover = torch.zeros(SIZE, dtype=torch.bool)
    cover[:, :50] = True
    keypoints0, keypoints1 = (
        torch.tensor([[20.0, 20], [70, 70]]),
        torch.tensor([[30.0, 20], [80, 70]]),
    )
    found0, found1 = partners(keypoints0, keypoints1, warps_of(SHIFT, cover1=cover), 3.0, 5.0)
    assert found0.tolist() == [NONE, 1]
    assert found1[1] == 1
    assert found1[0] == UNKNOWN  # something is there, but what lies before it is not known


@pytest.mark.parametrize("unknown", [0, 1])
def test_nothing_is_said_where_the_depth_is_missing(unknown):
    def warp(points):
        known = torch.full((len(points),), True)
        return Warped(points, known, known)

    def unknown_warp(points):
        known = torch.full((len(points),), False)
        return Warped(points, known, known)

    both = [warp, warp]
    both[unknown] = unknown_warp
    keypoints = torch.tensor([[20.0, 20], [70, 70]])
    found = partners(keypoints, keypoints, tuple(both), 3.0, 5.0)
    # Also on the side that is known: who is near may or may not be the same thing.
    assert found[0].tolist() == found[1].tolist() == [UNKNOWN, UNKNOWN]


def test_an_image_without_keypoints_leaves_the_other_ones_alone():
    found0, found1 = partners(torch.rand(3, 2) + 50, torch.empty(0, 2), warps_of(SHIFT), 3.0, 5.0)
    assert found0.tolist() == [NONE] * 3
    assert found1.shape == (0,)
