import numpy as np
import pytest

from aliked_ros.drawing import OUTLIER
from aliked_ros.training.loop.snapshots import Example, matches_picture, score_picture

HEIGHT, WIDTH = 60, 80


def _example(is_correct):
    """Dark images, a score map with one bright pixel, a match per entry."""
    image = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    score_map = np.zeros((HEIGHT, WIDTH), np.float32)
    score_map[10, 30] = 1.0
    keypoints = np.array([[30.0, 10.0], [50.0, 40.0]])[: len(is_correct)]
    matches = np.column_stack([np.arange(len(is_correct))] * 2)
    return Example((image, image), score_map, (keypoints, keypoints), matches, np.array(is_correct))


@pytest.mark.parametrize("is_correct", [np.array([True, False]), np.zeros(0, bool)])
def test_pictures_show_two_images_side_by_side(is_correct):
    example = _example(is_correct)
    for picture in (score_picture(example), matches_picture(example)):
        assert picture.dtype == np.uint8
        assert picture.shape[0] >= HEIGHT
        assert picture.shape[1] >= 2 * WIDTH
        assert picture.shape[2] == 3


def test_the_score_map_is_bright_where_it_is_high():
    right = score_picture(_example([True]))[:, -WIDTH:].astype(int).sum(axis=2)
    assert np.unravel_index(right.argmax(), right.shape) == (10, 30)


def test_wrong_matches_are_red():
    pictures = [matches_picture(_example([right])) for right in (True, False)]
    red = [(np.abs(picture.astype(int) - OUTLIER).sum(axis=2) < 60).sum() for picture in pictures]
    assert red[0] == 0
    assert red[1] > 5
