"""Photographs on planes in space: depth, light and warps belong together."""

import cv2
import numpy as np
import pytest
import torch
from training_world import write_photographs

from aliked_ros.training.pairs.depth import DepthPairOptions
from aliked_ros.training.pairs.photographs import Photographs
from aliked_ros.training.pairs.scenes import Board, ScenePairs, render

SIZE_PX = 96
OPTIONS = DepthPairOptions(SIZE_PX, (0.4, 1.0), 0.2, 0.0, 0.03)
K = np.array([[50.0, 0, 31.5], [0, 50.0, 31.5], [0, 0, 1]])
UPRIGHT = np.array([[1.0, 0, 0], [0, 1.0, 0]])


def plain(colour, origin, *, axes=UPRIGHT, size=20, pixel=0.05, is_endless=False):
    texture = np.full((size, size, 3), colour, np.uint8)
    return Board(texture, np.array(origin, np.float64), axes, pixel, is_endless)


@pytest.fixture(scope="module")
def smooth(tmp_path_factory):
    folder = write_photographs(tmp_path_factory.mktemp("photographs"))
    for path in folder.glob("*.png"):
        cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 3))
    return Photographs([folder])


def test_a_board_before_the_wall_hides_it_at_its_own_depth():
    wall = plain(50, (0, 0, 2.0), is_endless=True)
    board = plain(200, (0.0, 0.0, 1.0), size=9)  # its pixels' centres: 0 to 0.4
    for boards in ([wall, board], [board, wall]):
        image, depth = render(boards, K, np.eye(4), 64)
        inside = np.s_[33:50, 33:50]  # 31.5 to 31.5 + 50 * 0.4
        assert (image[inside] == 200).all()
        np.testing.assert_allclose(depth[inside], 1.0, rtol=1e-5)
        outside = np.ones((64, 64), bool)
        outside[31:53, 31:53] = False
        assert (image[outside] == 50).all()
        np.testing.assert_allclose(depth[outside], 2.0, rtol=1e-5)


def test_a_tilted_plane_has_the_depth_of_its_equation_and_ends_at_the_horizon():
    floor = plain(90, (0, 1.0, 0), axes=np.array([[1.0, 0, 0], [0, 0, 1.0]]), is_endless=True)
    image, depth = render([floor], K, np.eye(4), 64)
    assert (image[:32] == 0).all()
    assert (depth[:32] == 0).all()
    rows = np.arange(40, 64)
    np.testing.assert_allclose(depth[40:, 7], 50 / (rows - 31.5), rtol=1e-4)


def test_a_board_beside_or_behind_the_camera_is_not_seen():
    boards = [plain(200, (0, 0, -1.0)), plain(200, (9.0, 0, 1.0)), plain(200, (-0.5, -0.5, 0.0))]
    image, depth = render(boards, K, np.eye(4), 64)
    assert not image.any()
    assert not depth.any()


def test_a_board_that_reaches_behind_the_camera_is_seen_where_it_is_before_it():
    axes = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    strip = plain(120, (-5.0, 1.0, -1.0), axes=axes, size=200)  # z from -1 to 9
    _, depth = render([strip], K, np.eye(4), 64)
    np.testing.assert_allclose(depth[50, 20:44], 50 / (50 - 31.5), rtol=1e-4)


def test_views_show_the_same_light_where_the_warps_say(smooth):
    source = ScenePairs(smooth, OPTIONS)
    grid = np.stack(np.meshgrid(np.arange(SIZE_PX), np.arange(SIZE_PX)), -1).reshape(-1, 2)
    seen_differences, hidden_shares = [], []
    for seed in range(20):
        pair = source.draw(np.random.default_rng(seed))
        assert pair.image0.shape == pair.image1.shape == (SIZE_PX, SIZE_PX, 3)
        warped = pair.warp_1_0(torch.from_numpy(grid).float())
        seen = warped.is_visible.numpy()
        x, y = warped.points.numpy().T.reshape(2, SIZE_PX, SIZE_PX)
        there = cv2.remap(pair.image1, x, y, cv2.INTER_LINEAR).reshape(-1, 3)
        difference = np.abs(there.astype(float) - pair.image0.reshape(-1, 3)).mean(axis=1)
        seen_differences.append(np.median(difference[seen]))
        inside = ((warped.points >= 0) & (warped.points <= SIZE_PX - 1)).all(1).numpy()
        hidden_shares.append((inside & ~seen & warped.is_known.numpy()).mean())
        assert seen.mean() >= 0.15
    assert np.max(seen_differences) < 6
    # What a single plane never has: something that lands inside and is hidden.
    assert np.mean(np.array(hidden_shares) > 0.01) > 0.4


def test_a_seed_repeats_a_pair_and_another_gives_another(smooth):
    pairs = [ScenePairs(smooth, OPTIONS).draw(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(pairs[0].image0, pairs[1].image0)
    np.testing.assert_array_equal(pairs[0].image1, pairs[1].image1)
    assert (pairs[0].image1 != pairs[2].image1).any()
