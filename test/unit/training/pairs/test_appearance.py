"""Light, blur, noise and things that stand in the way."""

import numpy as np
import pytest
from training_world import draw_photograph

from aliked_ros.training.pairs.appearance import change_light, degrade, occlude

SEEDS = range(30)


def _every_level():
    """An image (8, 256, 3) with every level of every colour."""
    levels = np.arange(256, dtype=np.uint8)
    return np.broadcast_to(levels[None, :, None], (8, 256, 3)).copy()


def test_strength_0_changes_nothing():
    image = _every_level()
    for seed in SEEDS:
        generator = np.random.default_rng(seed)
        covered, cover = occlude(image, generator, 0.0)
        np.testing.assert_array_equal(covered, image)
        assert not cover.any()
        np.testing.assert_array_equal(change_light(image, generator, 0.0), image)
        np.testing.assert_array_equal(degrade(image, generator, 0.0), image)


@pytest.mark.parametrize("change", [change_light, degrade])
@pytest.mark.parametrize("strength", [1.0, 2.0])
def test_shape_and_type_stay_and_the_given_image_too(change, strength):
    image = draw_photograph(0, 48, 64)
    before = image.copy()
    changed = [change(image, np.random.default_rng(seed), strength) for seed in SEEDS]
    for result in changed:
        assert result.shape == image.shape
        assert result.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    assert sum((result != image).any() for result in changed) > len(SEEDS) // 3


@pytest.mark.parametrize("change", [change_light, degrade])
def test_changes_leave_the_image_recognisable(change):
    image = draw_photograph(0, 48, 64)
    for seed in SEEDS:
        changed = change(image, np.random.default_rng(seed), 1.0)
        assert np.corrcoef(changed.ravel(), image.ravel())[0, 1] > 0.5


def test_a_seed_repeats_every_change():
    image = draw_photograph(0, 48, 64)
    for change in (change_light, degrade, lambda *given: occlude(*given)[0]):
        for seed in SEEDS:
            once, again = (change(image, np.random.default_rng(seed), 1.0) for _ in range(2))
            np.testing.assert_array_equal(once, again)


def test_the_cover_is_where_the_things_are():
    ground = np.full((64, 80, 3), 200, np.uint8)
    ground[:, :, 1] = 1  # hardly any thing has this colour
    num_covered = 0
    for seed in range(60):
        image, cover = occlude(ground, np.random.default_rng(seed), 1.0)
        assert cover.shape == (64, 80)
        assert cover.dtype == bool
        np.testing.assert_array_equal((image != ground).any(axis=2), cover)
        assert cover.mean() < 0.4
        num_covered += cover.any()
    assert 5 < num_covered < 40  # about three in ten have things


def test_blur_does_not_move_the_image():
    dot = np.zeros((33, 33, 3), np.uint8)
    dot[14:19, 14:19] = 255
    for seed in range(200):
        blurred = degrade(dot, np.random.default_rng(seed), 1.0).astype(float)[:, :, 0]
        blurred[blurred < 40] = 0  # noise
        y, x = np.mgrid[:33, :33]
        centre = [(axis * blurred).sum() / blurred.sum() for axis in (x, y)]
        np.testing.assert_allclose(centre, [16, 16], atol=0.6)
