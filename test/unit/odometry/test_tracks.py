import numpy as np

from aliked_ros.odometry.tracks import Tracks


def pairs(*rows):
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def test_a_matched_keypoint_keeps_its_id_and_counts_its_images():
    tracks = Tracks()
    first, lengths = tracks.update(pairs(), 3)
    np.testing.assert_array_equal(first, [0, 1, 2])
    np.testing.assert_array_equal(lengths, [1, 1, 1])
    second, lengths = tracks.update(pairs((0, 1), (2, 0)), 2)
    np.testing.assert_array_equal(second, [2, 0])
    np.testing.assert_array_equal(lengths, [2, 2])
    assert second.dtype == np.uint64
    assert lengths.dtype == np.uint32


def test_an_unmatched_keypoint_begins_a_new_track():
    tracks = Tracks()
    tracks.update(pairs(), 2)
    ids, lengths = tracks.update(pairs((1, 0)), 3)
    np.testing.assert_array_equal(ids, [1, 2, 3])
    np.testing.assert_array_equal(lengths, [2, 1, 1])


def test_an_image_without_keypoints_ends_all_tracks():
    tracks = Tracks()
    tracks.update(pairs(), 5)
    ids, _ = tracks.update(pairs(), 0)
    assert len(ids) == 0
    ids, lengths = tracks.update(pairs(), 2)
    np.testing.assert_array_equal(ids, [5, 6])
    np.testing.assert_array_equal(lengths, [1, 1])


def test_forgetting_reuses_no_id():
    tracks = Tracks()
    tracks.update(pairs(), 4)
    tracks.forget()
    ids, _ = tracks.update(pairs(), 1)
    assert ids[0] == 4
