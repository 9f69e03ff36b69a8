"""What every painter of the room keeps to: objects, surfaces, wood, and the canvas below them."""

import numpy as np
import pytest

from aliked_ros.synthetic import canvas, objects, surfaces, wood

PAINTERS = {
    "poster": objects.poster,
    "window": objects.window,
    "books": objects.books,
    "drawers": objects.drawers,
    "crate": wood.crate,
    "planks": wood.planks(canvas.OAK, 0.1),
    "upright planks": wood.planks(canvas.OAK, 0.1, upright=True),
    "plaster": surfaces.plaster(canvas.WARM_WHITE),
    "bricks": surfaces.bricks,
    "fabric": surfaces.fabric(canvas.MUSTARD),
    "rug": surfaces.rug,
}
SIZE, TEXELS_PER_M = (96, 128), 80.0


def _paint(painter, seed):
    return painter(SIZE, TEXELS_PER_M, np.random.default_rng(seed))


@pytest.mark.parametrize("painter", PAINTERS.values(), ids=PAINTERS)
def test_a_painter_fills_the_size_with_texture_that_its_seed_decides(painter):
    texture = _paint(painter, 0)
    assert texture.shape == (*SIZE, 3)
    assert texture.dtype == np.uint8
    np.testing.assert_array_equal(_paint(painter, 0), texture)
    assert (_paint(painter, 1) != texture).mean() > 0.1
    # No large part is plain: a detector finds something everywhere.
    blocks = texture.reshape(4, 24, 4, 32, 3).swapaxes(1, 2).reshape(16, -1).astype(float)
    assert (blocks.std(axis=1) > 1).all()


def test_boards_that_stand_upright_are_the_lying_ones_turned():
    lying = wood.planks(canvas.OAK, 0.1)((128, 96), TEXELS_PER_M, np.random.default_rng(0))
    np.testing.assert_array_equal(_paint(PAINTERS["upright planks"], 0), lying.transpose(1, 0, 2))


def test_noise_has_unit_spread_and_is_smooth_at_its_grain():
    coarse, fine = (canvas.noise((128, 128), np.random.default_rng(0), g, g) for g in (32, 4))
    assert coarse.std() == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(coarse)).mean() < 0.3 * np.abs(np.diff(fine)).mean()


def test_a_block_has_a_light_edge_above_and_a_dark_one_below():
    picture = np.zeros((20, 20, 3), np.uint8)
    canvas.block(picture, (4, 5, 10, 8), (100, 120, 140), 0.0)
    assert picture[8, 8].tolist() == [100, 120, 140]
    assert (picture[5, 8] > picture[8, 8]).all()
    assert (picture[12, 8] < picture[8, 8]).all()
    assert not picture[:5].any()
    assert not picture[:, :4].any()
    canvas.block(picture, (0, 0, 1, 9), (255, 255, 255), 0.0)  # too thin to be seen
    assert not picture[:5].any()


def test_colours_end_at_black_and_white():
    assert canvas.shade((250, 128, 3), 10.0) == (255, 138, 13)
    assert canvas.shade((250, 128, 3), -10.0) == (240, 118, 0)
    assert canvas.clipped(np.array([-5.0, 300.0])).tolist() == [0, 255]


def test_things_lie_on_a_surface_in_proportion_to_its_area():
    assert canvas.count_on((100, 200), 10.0, 3.0) == 600  # 10 m x 20 m
