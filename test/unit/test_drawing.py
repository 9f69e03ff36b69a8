import numpy as np
import pytest

from aliked_ros import drawing


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 200, (120, 160, 3), np.uint8)


POINTS = np.array([[20.0, 30.0], [100.5, 60.25], [150.0, 110.0]])


def test_keypoints_are_drawn_on_a_copy(image):
    before = image.copy()
    drawn = drawing.draw_keypoints(image, POINTS, np.array([0.9, 0.1, 0.5]))
    np.testing.assert_array_equal(image, before)
    assert drawn.shape == image.shape
    changed = (drawn != image).any(axis=2)
    assert changed[30, 20]
    assert changed[60, 100]
    assert not changed[90:, :60].any()


def test_the_best_keypoint_is_warm_and_the_worst_cold(image):
    drawn = drawing.draw_keypoints(image, POINTS, np.array([0.9, 0.1, 0.5])).astype(int)
    best, worst = drawn[30, 20], drawn[60, 100]
    assert best[0] > best[2]
    assert worst[2] > worst[0]


def test_grey_images_become_colour_pictures(image):
    drawn = drawing.draw_keypoints(image[:, :, 0], POINTS, np.ones(3))
    assert drawn.shape == (120, 160, 3)


def test_no_keypoints_leave_the_picture_as_it_is(image):
    empty = np.zeros((0, 2))
    np.testing.assert_array_equal(drawing.draw_keypoints(image, empty, np.zeros(0)), image)
    drawn = drawing.draw_tracks(image, np.zeros((0, 3, 2)), np.zeros(0, np.int64))
    np.testing.assert_array_equal(drawn, image)


def test_matches_connect_two_images_of_different_size(image):
    small = image[:80, :100].copy()
    drawn = drawing.draw_matches(image, small, POINTS[:2], POINTS[:2] * 0.5)
    assert drawn.shape[0] == 120
    assert drawn.shape[1] > 160 + 100
    bare = drawing.draw_matches(image, small, POINTS[:0], POINTS[:0])
    changed = (drawn != bare).any(axis=2)
    assert changed[:, 160:164].any()  # the lines cross the gap
    assert changed[30, 20]
    np.testing.assert_array_equal(bare[:120, :160], image)


def test_outliers_are_red(image):
    drawn = drawing.draw_matches(image, image, POINTS, POINTS, np.array([True, False, True]))
    assert drawn[60, 100].tolist() == pytest.approx(drawing.OUTLIER, abs=40)
    paths = np.repeat(POINTS[:, None], 2, axis=1)
    tracked = drawing.draw_tracks(image, paths, np.ones(3, int), np.array([True, False, True]))
    assert tracked[60, 100].tolist() == pytest.approx(drawing.OUTLIER, abs=40)


def test_a_track_has_a_tail_that_fades(image):
    black = np.zeros_like(image)
    path = np.array([[[100.0, 60.0], [80.0, 60.0], [60.0, 60.0], [np.nan, np.nan]]])
    drawn = drawing.draw_tracks(black, path, np.array([2])).sum(axis=2)
    assert drawn[60, 90] > drawn[60, 70] > 0
    assert drawn[60, 40] == 0


def test_tails_follow_their_track_ids():
    tails = drawing.TrackTails(length=3)
    tails.update(np.array([7, 3]), np.array([[1.0, 1.0], [2.0, 2.0]]))
    tails.update(np.array([3, 9]), np.array([[3.0, 3.0], [9.0, 9.0]]))
    ids, paths, ages = tails.paths()
    assert ids.tolist() == [3, 9]
    assert ages.tolist() == [1, 0]
    np.testing.assert_array_equal(paths[0], [[3, 3], [2, 2]])
    np.testing.assert_array_equal(paths[1], [[9, 9], [np.nan, np.nan]])


def test_a_track_that_pauses_restarts():
    tails = drawing.TrackTails()
    for ids in ([1], [], [1]):
        tails.update(np.array(ids, np.int64), np.ones((len(ids), 2)))
    _, paths, ages = tails.paths()
    assert ages.tolist() == [0]
    assert np.isnan(paths[0, 1]).all()


def test_tails_are_forgotten_after_their_length():
    tails = drawing.TrackTails(length=2)
    for x in range(5):
        tails.update(np.array([1]), np.array([[float(x), 0.0]]))
    _, paths, ages = tails.paths()
    assert paths.shape == (1, 2, 2)
    assert paths[0, :, 0].tolist() == [4, 3]
    assert ages.tolist() == [4]


def test_before_the_first_frame_there_are_no_tails():
    ids, paths, ages = drawing.TrackTails().paths()
    assert len(ids) == len(paths) == len(ages) == 0


def test_pictures_are_tiled_in_rows(image):
    tiled = drawing.tile([image, image[:, :, 0], image], columns=2)
    assert tiled.shape[0] > 240
    assert tiled.shape[1] > 320
    np.testing.assert_array_equal(tiled[:120, :160], image)
    np.testing.assert_array_equal(tiled[-120:, :160], image)
