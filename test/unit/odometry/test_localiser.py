"""The pose of a view in a map of which everything is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from map_world import localiser, off, points_of, true_map, view_of
from point_world import CAMERA, World, match_views, nothing, room, sideways
from scipy.stats import chi2

from aliked_ros.geometry import se3
from aliked_ros.odometry.attempts import Attempt
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.map.links import Links
from aliked_ros.structs import Matches

PATH = sideways(8)
THERE = PATH[-1]


def locate(local_map, view, expected=None, matches=None, finder=None):
    finder = finder or localiser()
    guess = None if expected is None else se3.inverse(expected)
    return finder.locate(view, local_map, matches, guess)


def with_previous(local_map, view):
    """Matches of the newest image with a view."""
    matched = match_views(local_map.newest_image.view, view)
    return Matches(torch.from_numpy(matched.pairs), torch.ones(len(matched)))


def test_a_view_near_its_expected_place_is_located_and_its_links_are_true():
    world = room()
    local_map, view = true_map(world, PATH[:5]), view_of(world, THERE)
    located = locate(local_map, view, expected=PATH[-2])
    off_m, off_deg = off(located.T_view_world, THERE)
    assert off_m < 0.005
    assert off_deg < 0.05
    np.testing.assert_array_equal(points_of(world, view)[located.links.keypoints],
                                  located.links.numbers)  # fmt: skip
    assert len(located) > 200
    assert set(located.links.numbers) <= set(located.links.expected)


@pytest.mark.parametrize("way", ["no expectation", "wrong expectation", "previous pairs alone"])
def test_a_view_is_located_without_a_good_expectation(way):
    world = room()
    local_map, view = true_map(world, PATH[:5]), view_of(world, THERE)
    expected = matches = None
    if way == "wrong expectation":
        expected = THERE @ se3.exp(np.array([0, 0, 0, 0.2, 0.6, 0.0]))
    if way == "previous pairs alone":
        matches = with_previous(local_map, view)
        # The reference shows nothing, so that looking in the whole image cannot help.
        blank = replace(local_map.newest, landmark=np.full_like(local_map.newest.landmark, -1))
        local_map.reference = blank
        located = localiser().locate(view, local_map, matches, None)
        assert localiser().locate(view, local_map, None, None) is None
    else:
        located = locate(local_map, view, expected)
    assert off(located.T_view_world, THERE)[0] < 0.005


def test_what_the_reference_alone_does_not_show_is_found_around_the_pose():
    world = room()
    local_map, view = true_map(world, PATH[:5]), view_of(world, THERE)
    few = local_map.newest.linked[:30]
    local_map.newest.landmark[np.setdiff1d(local_map.newest.linked, few)] = -1
    located = locate(local_map, view)
    assert len(located) > 200


def test_half_of_the_keypoints_being_wrong_leaves_no_wrong_inlier_and_a_right_pose():
    world = room()
    local_map = true_map(world, PATH[:5])
    for expected in (PATH[-2], None):
        view = view_of(world, THERE, outlier_share=0.5)
        located = locate(local_map, view, expected)
        assert off(located.T_view_world, THERE)[0] < 0.01
        seen = se3.transform(se3.inverse(THERE), world.points[located.links.numbers])
        ideal = seen[:, :2] / seen[:, 2:] * 500 + [319.5, 239.5]
        off_px = np.linalg.norm(view.pixels[located.links.keypoints] - ideal, axis=1)
        assert off_px.max() < 5


def test_a_view_of_another_place_and_an_empty_one_have_no_pose():
    local_map = true_map(room(), PATH[:5])
    assert locate(local_map, view_of(room(seed=9), THERE), expected=THERE) is None
    features, depths_m = nothing()
    empty = make_view(0, features, CAMERA, depths_m, 1e-3)
    assert locate(local_map, empty, expected=THERE) is None
    no_matches = Matches(torch.zeros(0, 2, dtype=torch.int64), torch.zeros(0))
    assert locate(local_map, empty, expected=THERE, matches=no_matches) is None


def test_fewer_landmarks_than_asked_for_are_no_pose():
    world = room()
    local_map = true_map(world, PATH[:5])
    view = view_of(world, THERE)
    attempt = Attempt(links_of(world, view, np.arange(len(view))))
    num = len(localiser().try_in_turn([attempt], view, local_map))
    for least, is_located in ((num, True), (num + 1, False)):
        located = localiser().try_in_turn([attempt], view, local_map, min_inliers=least)
        assert (located is not None) is is_located


def links_of(world, view, keypoints):
    """True links of a view."""
    numbers = points_of(world, view)[keypoints]
    return Links(numbers, keypoints, np.ones(len(keypoints)), np.zeros(0, np.int64))


def test_a_few_landmarks_near_the_expected_pose_do_not_outvote_ten_times_as_many():
    """Repeated structure, or chance: twenty landmarks agree on a pose that is half a metre off."""
    world = room()
    local_map, view = true_map(world, PATH[:5]), view_of(world, THERE)
    links = links_of(world, view, np.arange(len(view)))
    astray, others = links.select(np.arange(20)), links.select(np.arange(20, len(links)))
    D = se3.exp(np.array([0.5, 0, 0, 0, 0, 0]))
    points = local_map.landmarks.points_world

    def metres_off(*attempts):
        finder = localiser()
        assert len(locate(local_map, view, expected=PATH[-2], finder=finder)) > 200
        return off(finder.try_in_turn(attempts, view, local_map).T_view_world, THERE)[0]

    points[astray.numbers] = se3.transform(D, points[astray.numbers])
    wrong = Attempt(astray, se3.inverse(D @ THERE))
    assert metres_off(wrong) > 0.4
    assert metres_off(wrong, Attempt(others)) < 0.01
    # Where not many more speak for another pose, the one that was expected is the better one.
    assert metres_off(wrong, Attempt(others.select(np.arange(30)))) > 0.4


def test_the_claimed_covariance_covers_the_error():
    squared = []
    for seed in range(40):
        world = World(room(seed).points, seed, noise_px=0.5)
        # What a landmark's position errs by is part of the claim.
        sigma_m = 0.02
        local_map = true_map(world, PATH[:3], sigma_m)
        landmarks = local_map.landmarks
        landmarks.points_world[:] += np.random.default_rng(seed).normal(
            0, sigma_m, landmarks.points_world.shape
        )
        view = view_of(world, PATH[3], depth=False)
        located = locate(local_map, view, expected=PATH[3])
        error = se3.log(located.T_view_world @ PATH[3])
        squared.append(error @ np.linalg.solve(located.covariance, error))
    # 40 sums of six squares: the mean lies in here in 999 of 1000 cases, were all of it Gaussian.
    low, high = chi2.ppf([0.0005, 0.9995], 6 * 40) / 40
    assert 0.7 * low < np.mean(squared) < 1.4 * high


def test_a_blurred_image_is_noisier_and_less_sure():
    world = room()
    local_map = true_map(world, PATH[:5])
    sharp = locate(local_map, view_of(world, THERE, depth=False), expected=THERE)
    world.noise_px = 1.5
    blurred = locate(local_map, view_of(world, THERE, depth=False), expected=THERE)
    assert sharp.noise == pytest.approx(1.0, abs=0.1)
    assert 2.0 < blurred.noise < 4.0  # 1.5 px, where 0.5 px are expected
    assert np.trace(blurred.covariance) > 4 * np.trace(sharp.covariance)


def alike(view, cosine, seed=0):
    """The view with descriptors that are so similar to what they were."""
    descriptors = view.features.descriptors.double()
    other = torch.from_numpy(np.random.default_rng(seed).normal(size=descriptors.shape))
    other -= (other * descriptors).sum(1, keepdim=True) * descriptors
    other /= other.norm(dim=1, keepdim=True)
    mixed = (cosine * descriptors + (1 - cosine**2) ** 0.5 * other).float()
    return replace(view, features=replace(view.features, descriptors=mixed))


def test_how_similar_descriptors_of_one_point_are_is_learnt_and_can_be_forgotten():
    world = room()
    local_map, finder = true_map(world, PATH[:5]), localiser(min_similarity=0.0)
    assert finder.least_similarity() == 0.5
    locate(local_map, alike(view_of(world, THERE), 0.9), THERE, finder=finder)
    assert finder.least_similarity() == pytest.approx(0.9, abs=0.01)  # the first image decides
    assert finder.least_similarity(0.5) == pytest.approx(0.45, abs=0.01)
    for _ in range(30):
        locate(local_map, alike(view_of(world, THERE), 0.75), THERE, finder=finder)
    assert finder.least_similarity() == pytest.approx(0.75, abs=0.02)
    finder.forget()
    assert finder.least_similarity() == 0.5


def test_no_level_is_below_what_the_matcher_asks_for():
    assert localiser(min_similarity=0.8).least_similarity(0.1) == 0.8


# With an inertial sensor, whose frame has nothing to do with the world.

R_INERTIAL_WORLD = se3.exp_so3(np.array([0.4, -1.0, 2.0]))


def oriented(view, T_world_view, off_deg=0.0):
    wrong = se3.exp_so3(np.radians(off_deg) * np.array([0.0, 1.0, 0.0]))
    return replace(view, R_inertial_view=R_INERTIAL_WORLD @ T_world_view[:3, :3] @ wrong)


def oriented_map(world, path, **how):
    local_map = true_map(world, path, **how)
    local_map.newest.view = oriented(local_map.newest.view, path[-1])
    return local_map


def test_a_sure_prior_decides_where_there_are_few_noisy_points():
    points = np.random.default_rng(3).uniform([-2, -1, 2], [2, 1, 5], (18, 3))
    world = World(points, noise_px=1.0)
    local_map, view = oriented_map(world, PATH[:1]), view_of(world, PATH[2], depth=False)
    finder = localiser(min_inliers=8, keypoint_noise_px=1.0, rotation_prior_noise_deg=0.01)
    alone = locate(local_map, view, PATH[2], finder=finder)
    helped = locate(local_map, oriented(view, PATH[2]), PATH[2], finder=finder)
    assert off(alone.T_view_world, PATH[2])[1] > 0.05
    assert off(helped.T_view_world, PATH[2])[1] < 0.02
    sigma, sigma_alone = (np.diag(found.covariance)[3:] ** 0.5 for found in (helped, alone))
    assert (sigma < 0.5 * sigma_alone).all()


@pytest.mark.parametrize("sigma_deg", [100.0, 0.5])
def test_a_wrong_prior_does_no_harm_if_it_is_unsure_or_contradicted(sigma_deg):
    world = room()
    local_map, view = oriented_map(world, PATH[:3]), view_of(world, PATH[4])
    finder = localiser(rotation_prior_noise_deg=sigma_deg)
    alone = locate(local_map, view, PATH[4], finder=finder)
    misled = locate(local_map, oriented(view, PATH[4], off_deg=10.0), PATH[4], finder=finder)
    np.testing.assert_allclose(misled.T_view_world, alone.T_view_world, atol=1e-5)


def test_a_known_rotation_makes_few_landmarks_enough():
    world = room()
    local_map, whole = oriented_map(world, PATH[:3]), view_of(world, PATH[4])
    shown = np.isin(points_of(world, whole), local_map.newest.numbers)

    def few(num, off_deg=0.0, wrong=False):
        rows = torch.from_numpy(np.flatnonzero(shown)[:num])
        features = whole.features
        keypoints = features.keypoints[rows]
        chosen = replace(
            features, keypoints=torch.roll(keypoints, 3, 0) if wrong else keypoints,
            scores=features.scores[rows], dispersity=features.dispersity[rows],
            descriptors=features.descriptors[rows],
        )  # fmt: skip
        return oriented(make_view(9, chosen, CAMERA, None, 1e-3), PATH[4], off_deg)

    located = locate(local_map, few(10, off_deg=0.3), PATH[4])
    assert len(located) <= 10
    assert off(located.T_view_world, PATH[4])[0] < 0.03
    assert locate(local_map, replace(few(10), R_inertial_view=None), PATH[4]) is None
    assert locate(local_map, few(7), PATH[4]) is None  # half of min_inliers, rounded up, is 8
    assert locate(local_map, few(10, wrong=True), PATH[4]) is None


def test_a_reference_without_an_orientation_gives_no_prior():
    world = room()
    local_map, view = true_map(world, PATH[:3]), view_of(world, PATH[4])
    one, other = (locate(local_map, v, PATH[4]) for v in (view, oriented(view, PATH[4], 5.0)))
    np.testing.assert_array_equal(one.T_view_world, other.T_view_world)
