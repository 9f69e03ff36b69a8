import numpy as np

from aliked_ros.odometry.spreading import spread_evenly

WIDTH = 640.0  # cells are 40 px wide


def test_a_crowded_cell_keeps_its_best_ones_and_others_are_untouched():
    pixels = np.array([[5.0, 5], [39, 39], [41, 5], [10, 10], [600, 400]])
    scores = np.array([0.2, 0.9, 0.1, 0.5, 0.3])
    np.testing.assert_array_equal(spread_evenly(pixels, scores, WIDTH, 2), [1, 2, 3, 4])
    np.testing.assert_array_equal(spread_evenly(pixels, scores, WIDTH, 1), [1, 2, 4])


def test_equal_scores_and_no_keypoints_are_no_error():
    pixels, scores = np.random.default_rng(0).uniform(0, 9, (20, 2)), np.ones(20)
    assert len(spread_evenly(pixels, scores, WIDTH, 3)) == 3
    assert len(spread_evenly(pixels[:0], scores[:0], WIDTH, 3)) == 0


def test_pixels_left_of_and_above_the_image_are_cells_of_their_own():
    # A rectified keypoint may lie outside.
    pixels = np.array([[-1.0, -1], [1, 1], [-1, 1]])
    assert len(spread_evenly(pixels, np.ones(3), WIDTH, 1)) == 3
