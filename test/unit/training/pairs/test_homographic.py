"""Pairs of views of photographs: dots land where the warp says, files that cannot be used."""

import cv2
import numpy as np
import pytest
import torch
from training_world import write_photographs

from aliked_ros.training.pairs.homographic import HomographicPairs, ViewRange, draw_views
from aliked_ros.training.pairs.photographs import Photographs

SIZE_PX = 96
WIDE = ViewRange(max_rotation_deg=180, max_scale=2.5, max_slant=0.24, max_shift=0.3)


def _dotted_photograph(path, colour):
    """Dots with a smooth profile on a grid of 50 px, 300x400 px."""
    y, x = np.mgrid[:300, :400]
    dx, dy = (x + 25) % 50 - 25, (y + 25) % 50 - 25
    level = 20 + 220 * np.exp(-(dx**2 + dy**2) / (2 * 4.0**2))
    image = np.repeat(level[:, :, None], 3, axis=2).astype(np.uint8)
    cv2.imwrite(str(path), image if colour else image[:, :, 0])


def _centroids(image):
    """Return the centres (N, 2) px of all dots that lie whole in an image, to subpixels."""
    grey = image[:, :, 0].astype(np.float64)
    number, labels, _, _ = cv2.connectedComponentsWithStats((grey > 60).astype(np.uint8))
    centres = []
    for label in range(1, number):
        ys, xs = np.nonzero(labels == label)
        touches = min(xs.min(), ys.min()) < 2 or max(xs.max(), ys.max()) > SIZE_PX - 3
        if not touches and len(xs) >= 8:
            weight = grey[ys, xs] - 60
            centres.append([(xs * weight).sum() / weight.sum(), (ys * weight).sum() / weight.sum()])
    return torch.tensor(centres, dtype=torch.float64).reshape(-1, 2)


@pytest.mark.parametrize("colour", [True, False])
def test_dots_land_where_the_warps_say_in_both_directions(tmp_path, colour):
    _dotted_photograph(tmp_path / "dots.png", colour)
    # Without slant: the centre of mass of a slanted dot is not the image of its centre.
    views = ViewRange(max_rotation_deg=180, max_scale=1.4, max_slant=0.0)
    source = HomographicPairs(Photographs([tmp_path]), SIZE_PX, views, appearance=0.0)
    num_checked = 0
    for seed in range(20):
        pair = source.draw(np.random.default_rng(seed))
        assert pair.image0.shape == pair.image1.shape == (SIZE_PX, SIZE_PX, 3)
        assert pair.image0.dtype == np.uint8
        dots0, dots1 = _centroids(pair.image0), _centroids(pair.image1)
        for warp, given, others in ((pair.warp_1_0, dots0, dots1), (pair.warp_0_1, dots1, dots0)):
            warped = warp(given)
            inner = (warped.points > 12).all(1) & (warped.points < SIZE_PX - 13).all(1)
            assert warped.is_visible[inner].all()
            if not inner.any():
                continue
            errors = torch.cdist(warped.points[inner], others).amin(dim=1)
            assert float(errors.max()) < 0.3
            num_checked += int(inner.sum())
    assert num_checked > 60


def test_slanted_views_show_the_same_light_where_the_warps_say(tmp_path):
    write_photographs(tmp_path)
    for path in tmp_path.glob("*.png"):
        cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 3))
    source = HomographicPairs(Photographs([tmp_path]), SIZE_PX, WIDE, appearance=0.0)
    grid = np.stack(np.meshgrid(np.arange(SIZE_PX), np.arange(SIZE_PX)), -1).reshape(-1, 2)
    num_seen = []
    for seed in range(60):
        pair = source.draw(np.random.default_rng(seed))
        warped = pair.warp_1_0(torch.from_numpy(grid).float())
        seen = warped.is_visible.numpy()
        x, y = warped.points.numpy().T.reshape(2, SIZE_PX, SIZE_PX)
        there = cv2.remap(pair.image1, x, y, cv2.INTER_LINEAR).reshape(-1, 3)
        difference = np.abs(there.astype(float) - pair.image0.reshape(-1, 3)).mean(axis=1)
        num_seen.append(seen.sum())
        if seen.any():
            assert difference[seen].mean() < 4
    # Views overlap: were the horizon on the wrong side, a pair would have nothing in common.
    assert min(num_seen) > 100


def test_there_and_back_is_the_same_point(tmp_path):
    source = HomographicPairs(Photographs([write_photographs(tmp_path)]), SIZE_PX, WIDE)
    points = torch.rand(200, 2, dtype=torch.float64) * (SIZE_PX - 1)
    pair = source.draw(np.random.default_rng(5))
    there = pair.warp_1_0(points)
    seen = there.is_visible
    assert seen.any()
    back = pair.warp_0_1(there.points[seen])
    torch.testing.assert_close(back.points, points[seen], atol=1e-3, rtol=0)


def test_what_stands_before_the_photograph_hides_it(tmp_path):
    source = HomographicPairs(
        Photographs([write_photographs(tmp_path)]), SIZE_PX, ViewRange(), appearance=2.0
    )
    covers = [source.draw(np.random.default_rng(seed)).warp_1_0.is_covered for seed in range(20)]
    assert 0 < sum(bool(cover.any()) for cover in covers) < 20


def test_a_seed_repeats_a_pair_and_another_gives_another(tmp_path):
    write_photographs(tmp_path)
    pairs = [
        HomographicPairs(Photographs([tmp_path]), SIZE_PX, ViewRange()).draw(
            np.random.default_rng(seed)
        )
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(pairs[0].image0, pairs[1].image0)
    np.testing.assert_array_equal(pairs[0].image1, pairs[1].image1)
    assert torch.equal(pairs[0].warp_1_0.H_b_a, pairs[1].warp_1_0.H_b_a)
    assert (pairs[0].image1 != pairs[2].image1).any()


def test_a_pair_does_not_depend_on_what_was_drawn_before(tmp_path):
    source = HomographicPairs(Photographs([write_photographs(tmp_path)]), SIZE_PX, ViewRange())
    first = source.draw(np.random.default_rng(7))
    for seed in range(3):
        source.draw(np.random.default_rng(seed))
    again = source.draw(np.random.default_rng(7))
    np.testing.assert_array_equal(first.image0, again.image0)
    np.testing.assert_array_equal(first.image1, again.image1)


@pytest.mark.parametrize("photograph_size", [(480, 640), (100, 500), (33, 33)])
def test_views_lie_inside_the_photograph(photograph_size):
    height, width = photograph_size
    for seed in range(200):
        quads = draw_views(np.random.default_rng(seed), photograph_size, SIZE_PX, WIDE)
        for quad in quads:
            assert quad.min() >= -1e-9
            assert (quad.max(axis=0) <= np.array([width - 1, height - 1]) + 1e-9).all()
            assert cv2.isContourConvex(quad.astype(np.float32))


def _turn_deg(quad):
    """Return how far the diagonals of a quadrilateral are turned against those of a square."""
    down, up = quad[2] - quad[0], quad[1] - quad[3]
    angles = np.degrees([np.arctan2(*down[::-1]) - np.pi / 4, np.arctan2(*up[::-1]) + np.pi / 4])
    return (np.asarray(angles) + 180) % 360 - 180


@pytest.mark.parametrize("limit_deg", [0.0, 30.0, 180.0])
def test_turns_stay_in_their_range_and_fill_it(limit_deg):
    views = ViewRange(max_rotation_deg=limit_deg, max_slant=0.0)
    turns = []
    for seed in range(300):
        quad0, quad1 = draw_views(np.random.default_rng(seed), (480, 640), SIZE_PX, views)
        assert np.abs(_turn_deg(quad0)).max() < 1e-6
        turns.append(_turn_deg(quad1)[0])
    assert np.abs(turns).max() <= limit_deg + 1e-6
    assert np.ptp(turns) >= 1.9 * limit_deg


def test_scales_stay_in_their_range_and_fill_it():
    views = ViewRange(max_rotation_deg=0, max_scale=2.0, max_slant=0.0)
    ratios = []
    for seed in range(300):
        # In a photograph that is large enough, nothing has to be shrunk to fit.
        quads = draw_views(np.random.default_rng(seed), (4000, 4000), SIZE_PX, views)
        sides = [np.ptp(quad[:, 0]) for quad in quads]
        ratios.append(sides[1] / sides[0])
    assert 0.5 - 1e-9 <= min(ratios) < 0.55
    assert 1.8 < max(ratios) <= 2 + 1e-9


def test_folders_are_searched_whole_and_together(tmp_path):
    write_photographs(tmp_path / "a" / "deep", 2)
    write_photographs(tmp_path / "b", 1)
    (tmp_path / "b" / "notes.txt").write_text("not a photograph")
    assert len(Photographs([tmp_path / "a", tmp_path / "b"]).paths) == 3


def test_corrupt_and_too_small_files_are_skipped_and_named(tmp_path):
    write_photographs(tmp_path, 1)
    (tmp_path / "broken.jpg").write_bytes(b"not a photograph")
    (tmp_path / "empty.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((31, 200, 3), np.uint8))
    source = HomographicPairs(Photographs([tmp_path]), SIZE_PX, ViewRange())
    reasons = set()
    for seed in range(40):
        reasons.update(source.draw(np.random.default_rng(seed)).unreadable)
    assert len(reasons) == 3
    for name in ("broken.jpg", "empty.png", "tiny.png: 200x31 px is too small"):
        assert sum(name in reason for reason in reasons) == 1


def test_nothing_but_corrupt_files_is_an_error_that_names_one(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"not a photograph")
    source = HomographicPairs(Photographs([tmp_path]), SIZE_PX, ViewRange())
    with pytest.raises(ValueError, match=r"files in a row cannot be read.*broken\.jpg"):
        source.draw(np.random.default_rng(0))


def test_an_empty_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}.*no image file"):
        Photographs([tmp_path])


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path):
    write_photographs(tmp_path, 1)
    with pytest.raises(ValueError, match=r"absent.*not a folder"):
        Photographs([tmp_path, tmp_path / "absent"])


def test_a_photograph_smaller_than_the_views_is_enlarged(tmp_path):
    cv2.imwrite(str(tmp_path / "small.png"), np.full((40, 50, 3), 90, np.uint8))
    pair = HomographicPairs(Photographs([tmp_path]), SIZE_PX, ViewRange()).draw(
        np.random.default_rng(0)
    )
    assert pair.image0.shape == (SIZE_PX, SIZE_PX, 3)


def test_a_large_photograph_is_shrunk_when_it_is_read(tmp_path):
    # Stripes of one pixel would survive in views that show the file's own pixels.
    stripes = np.zeros((320, 4096, 3), np.uint8)
    stripes[:, ::2] = 255
    cv2.imwrite(str(tmp_path / "large.png"), stripes)
    pair = HomographicPairs(Photographs([tmp_path]), SIZE_PX, ViewRange(), 0.0).draw(
        np.random.default_rng(0)
    )
    assert np.ptp(pair.image0.astype(int)) <= 4
