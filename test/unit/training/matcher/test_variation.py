"""A varied pair is another one with the same partners."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from aliked_ros.training.matcher.feature_pair import FeaturePair
from aliked_ros.training.matcher.partners import NONE, UNKNOWN
from aliked_ros.training.matcher.variation import vary


def some_pair(num0=40, num1=30):
    """Descriptors tell points apart: that of each is near one unit vector of its own."""
    random = torch.Generator().manual_seed(0)
    positions = [2 * torch.rand(n, 2, generator=random) - 1 for n in (num0, num1)]
    descriptors = [F.normalize(torch.randn(n, 64, generator=random), dim=1) for n in (num0, num1)]
    partner0, partner1 = torch.full((num0,), NONE), torch.full((num1,), UNKNOWN)
    partner0[5:25], partner1[:20] = torch.arange(20), torch.arange(5, 25)
    return FeaturePair(
        tuple(positions), tuple(one.half() for one in descriptors), (partner0, partner1), ("a",)
    )


def origins(pair, varied, image):
    """Return which point of the pair each of the varied one was."""
    similarity = varied.descriptors[image].float() @ pair.descriptors[image].float().T
    assert (similarity.amax(dim=1) > 0.9).all()
    return similarity.argmax(dim=1)


def test_partners_stay_partners_and_those_that_lost_theirs_are_unknown():
    pair = some_pair()
    num_lost = 0
    for seed in range(20):
        varied = vary(pair, np.random.default_rng(seed), 1.0)
        was = [origins(pair, varied, image) for image in (0, 1)]
        for image in (0, 1):
            partner, before = varied.partner[image], pair.partner[image][was[image]]
            has = partner >= 0
            assert torch.equal(was[1 - image][partner[has]], before[has])
            lost = (before >= 0) & ~has
            assert set(partner[lost].tolist()) <= {UNKNOWN}
            assert not np.isin(before[lost], was[1 - image]).any()
            assert torch.equal(partner[before < 0], before[before < 0])
            num_lost += int(lost.sum())
        assert varied.unreadable == ("a",)
    assert num_lost > 0


def test_positions_move_by_one_similarity_per_image_and_stay_apart_alike():
    pair = some_pair()
    determinants = []
    for seed in range(20):
        varied = vary(pair, np.random.default_rng(seed), 1.0)
        turns = []
        for image in (0, 1):
            rows = origins(pair, varied, image)
            given = F.pad(pair.positions[image][rows], (0, 1), value=1.0)
            solution = torch.linalg.lstsq(given, varied.positions[image]).solution
            torch.testing.assert_close(given @ solution, varied.positions[image])
            A = solution[:2]
            size = A.det().abs().sqrt()
            assert 0.74 < float(size) <= 1.001
            torch.testing.assert_close(A @ A.T, size**2 * torch.eye(2), atol=1e-4, rtol=0)
            turns.append(A / size)
        torch.testing.assert_close(turns[0], turns[1], atol=1e-4, rtol=0)  # of both images
        determinants.append(round(float(turns[0].det())))
    assert set(determinants) == {-1, 1}  # some are mirrored


def test_descriptors_stay_unit_rows_near_what_they_were():
    pair = some_pair()
    varied = vary(pair, np.random.default_rng(1), 1.0)
    for image in (0, 1):
        assert varied.descriptors[image].dtype == torch.float16
        lengths = varied.descriptors[image].float().norm(dim=1)
        torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=2e-3, rtol=0)


@pytest.mark.parametrize("image", [0, 1])
def test_without_strength_nothing_changes(image):
    pair = some_pair()
    varied = vary(pair, np.random.default_rng(0), 0.0)
    torch.testing.assert_close(varied.positions[image], pair.positions[image])
    torch.testing.assert_close(
        varied.descriptors[image], pair.descriptors[image], atol=1e-3, rtol=0
    )
    assert torch.equal(varied.partner[image], pair.partner[image])
