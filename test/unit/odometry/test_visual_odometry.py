from dataclasses import replace

import numpy as np
import pytest
import torch
from point_world import (
    CAMERA,
    FRAME_NS,
    RIGHT_CAMERA,
    K,
    World,
    nothing,
    room,
    sideways,
    turning,
    wall,
)

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project_raw, to_plane
from aliked_ros.odometry import Motion, State, VisualOdometry
from aliked_ros.odometry.result import UNKNOWN_VARIANCE

SENSORS = ("mono", "stereo", "rgbd")


def make(sensor, **changes):
    config = OdometryConfig(sensor=sensor, **changes)
    # Points without a twin in the other image must not find a partner.
    matcher = MatcherConfig(min_similarity=0.9)
    return VisualOdometry(config, matcher, CAMERA, RIGHT_CAMERA if sensor == "stereo" else None)


def feed(odometry, sightings, sensor, start=0):
    results = []
    for index, (features, depths_m) in enumerate(sightings, start):
        depths = None if sensor == "mono" else depths_m
        results.append(odometry.process((index + 1) * FRAME_NS, features, depths))
    return results


def run(world, path, sensor, outlier_share=0.0, **changes):
    sightings = [world.see(T, outlier_share) for T in path]
    return feed(make(sensor, **changes), sightings, sensor)


def errors_m(results, path):
    """Return the distance of each tracked position from the truth; mono is scaled first."""
    pairs = [
        (result.T_world_camera[:3, 3], T[:3, 3])
        for result, T in zip(results, path, strict=True)
        if result.state is State.TRACKING
    ]
    estimate, truth = (np.array(side) for side in zip(*pairs, strict=True))
    scale = np.sum(truth * estimate) / np.sum(estimate * estimate)
    return scale, np.linalg.norm(scale * estimate - truth, axis=1)


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_path_through_points_is_followed(sensor):
    path = sideways(40)
    results = run(room(), path, sensor)
    states = [result.state for result in results]
    first = states.index(State.TRACKING)
    assert first <= (8 if sensor == "mono" else 0)
    assert set(states[first:]) == {State.TRACKING}
    scale, errors = errors_m(results, path)
    assert errors.max() < 0.06
    if sensor != "mono":
        assert scale == pytest.approx(1.0, abs=0.01)
    last = se3.inverse(path[-1]) @ results[-1].T_world_camera
    assert se3.rotation_angle_deg(last[:3, :3]) < 0.5


@pytest.mark.parametrize("sensor", SENSORS)
def test_half_of_the_keypoints_being_wrong_does_not_matter(sensor):
    path = sideways(20)
    results = run(room(), path, sensor, outlier_share=0.3)
    assert results[-1].state is State.TRACKING
    assert errors_m(results, path)[1].max() < 0.1


@pytest.mark.parametrize("sensor", SENSORS)
def test_the_same_seed_gives_the_same_poses(sensor):
    first, second = (run(room(), sideways(12), sensor, 0.3) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        if one.T_world_camera is None:
            assert other.T_world_camera is None
            continue
        np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_camera_that_stands_still_does_not_move(sensor):
    results = run(room(), [np.eye(4)] * 15, sensor)
    assert {result.motion for result in results} == {Motion.NONE}
    for result in results:
        np.testing.assert_array_equal(result.T_world_camera, np.eye(4))


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_pure_rotation_is_told_apart_and_moves_nowhere(sensor):
    path = turning(10)
    results = run(room(), path, sensor)
    assert {result.motion for result in results[1:]} == {Motion.ROTATION}
    for result, T in zip(results, path, strict=True):
        error = se3.inverse(T) @ result.T_world_camera
        assert np.linalg.norm(error[:3, 3]) < 0.03
        assert se3.rotation_angle_deg(error[:3, :3]) < 0.3


def test_a_single_camera_never_begins_on_a_rotation_or_while_it_stands():
    for path, motion in ((turning(12), Motion.ROTATION), ([np.eye(4)] * 12, Motion.NONE)):
        results = run(room(), path, "mono")
        assert {result.state for result in results} == {State.INITIALISING}
        assert all(result.T_world_camera is None for result in results)
        assert results[3].motion is motion
        assert all(result.reason for result in results)


def test_a_single_cameras_unit_is_the_median_depth_of_the_first_landmarks():
    world, path = room(), sideways(20)
    results = run(world, path, "mono")
    scale, _ = errors_m(results, path)
    depths = world.see(path[0])[1]
    assert scale == pytest.approx(np.median(depths), rel=0.3)


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_plane_is_no_obstacle_to_measured_depth(sensor):
    path = sideways(15)
    assert errors_m(run(wall(), path, sensor), path)[1].max() < 0.05


@pytest.mark.parametrize("sensor", SENSORS)
def test_when_lost_the_pose_is_held_and_tracking_goes_on_where_it_is(sensor):
    world, path = room(), sideways(30)
    sightings = [world.see(T) for T in path]
    sightings[20:23] = [nothing()] * 3
    results = feed(make(sensor), sightings, sensor)
    before = results[19]
    assert before.state is State.TRACKING
    for result in results[20:23]:
        assert result.state is State.LOST
        assert result.reason
        np.testing.assert_array_equal(result.T_world_camera, before.T_world_camera)
        assert np.diag(result.covariance).min() > 100 * np.diag(before.covariance).max()
    assert {result.state for result in results[23:]} == {State.TRACKING}
    assert errors_m(results, path)[1].max() < 0.08


@pytest.mark.parametrize("sensor", SENSORS)
def test_images_without_keypoints_are_no_crash_and_no_pose(sensor):
    for result in feed(make(sensor), [nothing()] * 4, sensor):
        assert result.state is State.INITIALISING
        assert result.T_world_camera is None
        assert result.num_keypoints == len(result.tracks) == 0
        assert result.reason


def test_fewer_than_five_keypoints_are_not_enough():
    features, depths_m = room().see(np.eye(4))
    few = features.select(np.arange(4))
    for result in feed(make("rgbd"), [(few, depths_m[:4])] * 3, "rgbd"):
        assert result.state is State.INITIALISING


def test_unknown_depths_are_left_out():
    world, path = room(), sideways(10)
    generator = np.random.default_rng(0)
    sightings = []
    for T in path:
        features, depths_m = world.see(T)
        depths_m[generator.random(len(depths_m)) < 0.7] = np.nan
        sightings.append((features, depths_m))
    results = feed(make("rgbd"), sightings, "rgbd")
    assert errors_m(results, path)[1].max() < 0.05
    no_depth = [(features, np.full(len(features), np.nan)) for features, _ in sightings]
    for result in feed(make("rgbd"), no_depth, "rgbd"):
        assert result.state is State.INITIALISING


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


def test_stamps_must_increase():
    odometry, (features, depths_m) = make("rgbd"), room().see(np.eye(4))
    odometry.process(5, features, depths_m)
    for stamp_ns in (5, 4):
        with pytest.raises(ValueError, match=f"stamp is {stamp_ns} ns"):
            odometry.process(stamp_ns, features, depths_m)
    assert odometry.process(6, features, depths_m).state is State.TRACKING


def test_features_of_another_image_size_are_refused():
    odometry, (features, depths_m) = make("rgbd"), room().see(np.eye(4))
    with pytest.raises(ValueError, match="100"):
        odometry.process(1, replace(features, image_size=(100, 100)), depths_m)


def test_reset_begins_a_new_world():
    world, path = room(), sideways(10)
    odometry = make("rgbd")
    feed(odometry, [world.see(T) for T in path[:5]], "rgbd")
    odometry.reset()
    result = feed(odometry, [world.see(path[5])], "rgbd")[0]
    assert result.state is State.TRACKING
    np.testing.assert_array_equal(result.T_world_camera, np.eye(4))


def test_the_covariance_covers_the_error_of_a_step():
    path = sideways(40)
    results = run(room(), path, "rgbd")
    squared = []
    for index in range(5, 40):
        error = se3.log(se3.inverse(results[index].T_world_camera) @ path[index])
        squared.append(error @ np.linalg.solve(results[index].covariance, error))
    # Six degrees of freedom have a mean of 6; accept a factor of four on the careful side.
    assert 0.3 < np.mean(squared) < 24


def test_a_single_camera_never_moves_wrongly_before_a_plane():
    # Two motions explain a plane seen twice: the odometry may wait, but not choose wrongly.
    path = sideways(40)
    results = run(wall(), path, "mono")
    for result, T in zip(results, path, strict=True):
        if result.state is State.TRACKING and np.linalg.norm(T[:3, 3]) > 1.0:
            estimate, truth = result.T_world_camera[:3, 3], T[:3, 3]
            cosine = estimate @ truth / np.linalg.norm(estimate) / np.linalg.norm(truth)
            assert cosine > np.cos(np.radians(5))
            error = se3.inverse(T) @ result.T_world_camera
            assert se3.rotation_angle_deg(error[:3, :3]) < 1.0


def test_the_parallax_is_the_angle_that_the_rotation_leaves():
    points = np.random.default_rng(0).uniform([-2, -1.5, 4.9], [2, 1.5, 5.1], (400, 3))
    aside = se3.from_rotation_translation(
        se3.exp_so3(np.array([0.0, 0.03, 0.0])), np.array([0.5, 0.0, 0.0])
    )
    results = run(World(points), [np.eye(4), aside], "rgbd")
    assert results[1].parallax_deg == pytest.approx(np.degrees(0.5 / 5), rel=0.1)


def test_a_distorted_and_rectified_camera_reports_its_raw_frame():
    turn = se3.exp_so3(np.array([0.02, -0.05, 0.03]))
    P = np.column_stack([K, np.zeros(3)])
    camera = replace(
        CAMERA, distortion_model="plumb_bob", D=np.array([-0.2, 0.05, 1e-3, -1e-3]), R=turn, P=P
    )
    world, path = room(), sideways(15)
    odometry = VisualOdometry(OdometryConfig(sensor="rgbd"), MatcherConfig(), camera)
    results = []
    for index, T in enumerate(path):
        features, depths_m = world.see(T)
        ideal = features.keypoints.numpy().astype(np.float64)
        points = np.column_stack([to_plane(ideal, K), np.ones(len(ideal))]) * depths_m[:, None]
        raw = project_raw(points, camera).astype(np.float32)
        rectified_depths = (points @ turn.T)[:, 2]
        results.append(
            odometry.process(
                index, replace(features, keypoints=torch.from_numpy(raw)), rectified_depths
            )
        )
    assert errors_m(results, path)[1].max() < 0.02
    last = se3.inverse(path[-1]) @ results[-1].T_world_camera
    assert se3.rotation_angle_deg(last[:3, :3]) < 0.2


def around(num_frames, start):
    """Turn on the spot until nothing of the first image is left, 4 deg per image."""
    step = se3.from_rotation_translation(se3.exp_so3(np.array([0, 0.07, 0])), np.zeros(3))
    return [start @ np.linalg.matrix_power(step, index + 1) for index in range(num_frames)]


def test_a_single_camera_that_turns_away_from_its_landmarks_stays_where_it_is():
    points = np.random.default_rng(3).uniform([-9, -4, -9], [9, 4, 9], (6000, 3))
    world = World(points[np.linalg.norm(points[:, [0, 2]], axis=1) > 4])
    path = sideways(20)
    turn = around(30, path[-1])
    results = run(world, path + turn, "mono")
    start = results[19].T_world_camera
    for result in results[20:]:
        assert result.state is State.TRACKING
        assert np.linalg.norm((result.T_world_camera - start)[:3, 3]) < 0.05
    turned = se3.inverse(start) @ results[-1].T_world_camera
    error = se3.inverse(se3.inverse(path[-1]) @ turn[-1]) @ turned
    assert se3.rotation_angle_deg(error[:3, :3]) < 2


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_a_leap_to_an_unknown_place_begins_anew_at_the_held_pose(sensor):
    here, there, path = room(), room(seed=7), sideways(6)
    sightings = [here.see(T) for T in path] + [there.see(T) for T in path]
    results = feed(make(sensor), sightings, sensor)
    held = results[5].T_world_camera
    assert results[6].state is State.LOST
    assert results[6].is_keyframe
    np.testing.assert_array_equal(results[6].T_world_camera, held)
    for result, T in zip(results[7:], path[1:], strict=True):
        assert result.state is State.TRACKING
        np.testing.assert_allclose(result.T_world_camera, held @ T, atol=0.05)
        # The leap has unknown length, and every pose after it inherits that.
        assert np.diag(result.covariance).min() >= UNKNOWN_VARIANCE / 2


@pytest.mark.parametrize("sensor", ["mono", "stereo", "rgbd"])
def test_the_lost_place_is_recognised_and_the_pose_is_right_again(sensor):
    here, there, path = room(), room(seed=7), sideways(24)
    sightings = [here.see(T) for T in path]
    sightings[15:20] = [there.see(T) for T in sideways(5)]
    results = feed(make(sensor), sightings, sensor)
    assert results[15].state is State.LOST
    back = results[20:]
    assert {result.state for result in back} == {State.TRACKING}
    known = results[:15] + back
    assert errors_m(known, path[:15] + path[20:])[1].max() < 0.1
    assert np.diag(back[-1].covariance).max() < 1e-2


def test_a_single_camera_keeps_its_unit_when_it_begins_anew():
    path = sideways(30)
    sightings = [room().see(T) for T in path] + [room(seed=7).see(T) for T in path]
    results = feed(make("mono"), sightings, "mono")
    assert results[30].state is State.LOST
    assert results[-1].state is State.TRACKING

    def length(result0, result1):
        return np.linalg.norm((result1.T_world_camera - result0.T_world_camera)[:3, 3])

    # Both places have the same median depth, so the same speed must come out.
    before, after = length(*results[24:30:5]), length(*results[54:60:5])
    assert after == pytest.approx(before, rel=0.3)


def test_match_and_estimate_are_the_two_halves_of_process():
    sightings = [room().see(T) for T in sideways(4)]
    whole = feed(make("rgbd"), sightings, "rgbd")
    odometry = make("rgbd")
    for index, (features, depths_m) in enumerate(sightings, 1):
        matches = odometry.match(features)
        result = odometry.estimate(index * FRAME_NS, features, matches, depths_m)
    np.testing.assert_array_equal(result.T_world_camera, whole[-1].T_world_camera)


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


def test_depths_of_the_wrong_number_are_refused():
    features, depths_m = room().see(np.eye(4))
    with pytest.raises(ValueError, match="one depth per keypoint"):
        make("rgbd").process(1, features, depths_m[:-1])


def test_stereo_without_its_right_camera_is_refused():
    with pytest.raises(ValueError, match="right_camera"):
        VisualOdometry(OdometryConfig(sensor="stereo"), MatcherConfig(), CAMERA)
