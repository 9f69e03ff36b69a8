import dataclasses

import numpy as np
import torch
from odometry_runs import feed, make, run
from point_world import FRAME_NS, room, sideways

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


def test_tracks_keep_their_ids_and_ids_are_never_reused():
    results = run(room(), sideways(10), "rgbd")
    known = {}
    for result in results:
        tracks = result.tracks
        assert len(set(tracks.track_ids.tolist())) == len(tracks)
        for track, length in zip(tracks.track_ids.tolist(), tracks.lengths.tolist(), strict=True):
            assert length == known.get(track, 1) + 1
        known.update(zip(tracks.track_ids.tolist(), tracks.lengths.tolist(), strict=True))
    assert max(known.values()) == 10


def test_tracks_pair_the_keypoints_of_one_point():
    world, path = room(), sideways(4)
    sightings = [world.see(T) for T in path]
    results = feed(make("rgbd"), sightings, "rgbd")
    for index in range(1, 4):
        (features0, _), (features1, _) = sightings[index - 1 : index + 1]
        tracks = results[index].tracks
        rows0, rows1 = torch.from_numpy(tracks.indices).T
        assert torch.equal(features0.descriptors[rows0], features1.descriptors[rows1])
        np.testing.assert_array_equal(tracks.keypoints_previous, features0.keypoints[rows0])
        np.testing.assert_array_equal(tracks.keypoints_current, features1.keypoints[rows1])
        assert tracks.previous_stamp_ns == index * FRAME_NS
        assert tracks.inlier_mask.mean() > 0.95
        assert results[index].num_matches == len(tracks) > 100


def test_a_pair_that_contradicts_the_motion_ends_its_track():
    world, path = room(), sideways(4)
    sightings = [world.see(T) for T in path]
    features, depths = sightings[2]
    partners = feed(make("rgbd"), sightings[:3], "rgbd")[-1].tracks.indices[:, 1]
    one, other = partners[[0, -1]]
    swapped = features.descriptors.clone()
    swapped[[one, other]] = features.descriptors[[other, one]]
    wrong = dataclasses.replace(features, descriptors=swapped)
    results = feed(make("rgbd"), [*sightings[:2], (wrong, depths), sightings[3]], "rgbd")
    tracks = results[2].tracks
    is_swapped = np.isin(tracks.indices[:, 1], [one, other])
    assert is_swapped.sum() == 2
    assert not tracks.inlier_mask[is_swapped].any()
    np.testing.assert_array_equal(tracks.lengths[is_swapped], 1)
    assert not np.isin(tracks.track_ids[is_swapped], results[1].tracks.track_ids).any()
    assert (tracks.lengths[tracks.inlier_mask] == 3).mean() > 0.9
