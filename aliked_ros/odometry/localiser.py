"""A view and the map -> the pose of the camera, by the first attempt that convinces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry.matrices import covariance_of
from aliked_ros.geometry.pnp import estimate_absolute_pose
from aliked_ros.geometry.pose_refinement import RefinedPose, refine_pose
from aliked_ros.geometry.rotation_prior import RotationPrior
from aliked_ros.geometry.translation import estimate_translation
from aliked_ros.odometry.attempts import NUM_AROUND, Attempt, attempts
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.finding import find_by_place
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.links import Links
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.view import View
from aliked_ros.structs import Array, Mask, Matches

_FIRST_LEVEL = 0.5  # cosine of two descriptors of one point, before any was seen
_LEARNING = 0.1  # share of a new image in the level
_QUANTILE = 0.1  # of an image's similarities that makes the level
_NEAR_SHARE, _SECOND_SHARE = 0.8, 0.6  # of the level, at a rough place and at an exact one
_SECOND_RADIUS_PX = 6.0
_ENOUGH_OF_PREVIOUS, _ENOUGH, _AT_MOST_OF_PREVIOUS = 0.3, 50, 0.8  # inliers that convince
_FAR_MORE = 2.0  # times the inliers
_CONVINCING_SHARE, _SUFFICIENT_SHARE = 0.5, 0.4  # of an attempt's links that are inliers


class Localiser:
    """Finds the pose of views within maps; learns how similar descriptors of one point are.

    Args:
        config: thresholds and noise.
        matcher: the least similarity of a pair.
        K: (3, 3) intrinsics of the rectified camera, px.
        image_width: px.
    """

    def __init__(
        self, config: OdometryConfig, matcher: MatcherConfig, K: Array, image_width: int
    ) -> None:
        self._config, self._matcher, self._K = config, matcher, K
        self._noise = config.keypoint_noise_px / float(K[0, 0])
        self._radius_px = config.guided_radius_of_width * image_width
        self.forget()

    def forget(self) -> None:
        """Restart with what is known of no image."""
        self._level: float | None = None
        self._num_before = 0

    def least_similarity(self, share: float = 1.0) -> float:
        """Return a share of the cosine that descriptors of one point nearly always exceed."""
        level = _FIRST_LEVEL if self._level is None else self._level
        return max(share * level, self._matcher.min_similarity)

    def locate(
        self,
        view: View,
        local_map: LocalMap,
        with_previous: Matches | None,
        T_view_expected: Array | None,
    ) -> Located | None:
        """Find the pose of the next view; `attempts` has the arguments.

        Returns:
            None if too few landmarks agree on one.
        """
        prior = self._prior(local_map.reference, view)
        candidates = attempts(
            view, local_map, with_previous, T_view_expected, self._K, self._radius_px,
            self.least_similarity(_NEAR_SHARE),
        )  # fmt: skip
        return self.try_in_turn(candidates, view, local_map, prior)

    def try_in_turn(
        self,
        candidates: Iterable[Attempt],
        view: View,
        local_map: LocalMap,
        prior: RotationPrior | None = None,
        min_inliers: int = 0,
    ) -> Located | None:
        """Return what the first attempt leads to that convinces twice, else the best sufficient."""
        for attempt, refined in self._promising(candidates, view, local_map, prior):
            located = self._look_again(attempt, refined, view, local_map, prior, min_inliers)
            if located is not None:
                return located
        return None

    def _promising(
        self,
        candidates: Iterable[Attempt],
        view: View,
        local_map: LocalMap,
        prior: RotationPrior | None,
    ) -> Iterator[tuple[Attempt, RefinedPose]]:
        """Yield attempts that convince; of those that only suffice the best before any sampled."""
        best: tuple[Attempt, RefinedPose] | None = None
        for attempt in candidates:
            tried = self._refine(attempt, view, local_map, prior)
            if tried is None or not self._suffices(*tried):
                continue
            num_inliers = tried[1].num_inliers
            if attempt.T_view_world is None:
                # A pose near where it was expected is better than one from nowhere, unless far
                # more landmarks speak for that one.
                if best is not None and num_inliers < _FAR_MORE * best[1].num_inliers:
                    yield best
                    best = None
                yield tried
                continue
            if best is None or num_inliers > best[1].num_inliers:
                best = tried
            if self._convinces(*tried):
                yield best
                best = None
        if best is not None:
            yield best

    def _refine(
        self, attempt: Attempt, view: View, local_map: LocalMap, prior: RotationPrior | None
    ) -> tuple[Attempt, RefinedPose] | None:
        """Return an attempt with the pose that its links lead to; with fewer links if sampled."""
        if attempt.trusts_prior and prior is None:
            return None
        if len(attempt.links) < self._needed(attempt):
            return None
        T_view_world = attempt.T_view_world
        if T_view_world is None:
            sampled = self._sample(attempt, view, local_map, prior)
            if sampled is None or sampled[1].sum() < self._needed(attempt):
                return None
            T_view_world, is_inlier = sampled
            attempt = Attempt(attempt.links.select(is_inlier), None, attempt.trusts_prior)
        return attempt, self._fit(T_view_world, attempt.links, view, local_map, prior)

    def _sample(
        self, attempt: Attempt, view: View, local_map: LocalMap, prior: RotationPrior | None
    ) -> tuple[Array, Mask] | None:
        links, config = attempt.links, self._config
        points = local_map.landmarks.points_world[links.numbers]
        if attempt.trusts_prior and prior is not None:
            width = config.ransac_threshold_px / self._K[0, 0] + 2 * prior.sigma_rad
            xy = view.xy[links.keypoints]
            return estimate_translation(prior.R_camera_world, points, xy, width, config.seed)
        pixels, threshold_px = view.pixels[links.keypoints], config.ransac_threshold_px
        return estimate_absolute_pose(points, pixels, self._K, threshold_px, config.seed)

    def _fit(
        self,
        T_view_world: Array,
        links: Links,
        view: View,
        local_map: LocalMap,
        prior: RotationPrior | None,
    ) -> RefinedPose:
        """Return the most likely pose; with the prior, unless the landmarks contradict it."""
        landmarks = local_map.landmarks
        given = (
            landmarks.points_world[links.numbers],
            landmarks.covariance[links.numbers],
            view.sightings(links.keypoints),
            self._noise,
        )
        refined = refine_pose(T_view_world, *given)
        if prior is None or prior.is_contradicted(refined.T_camera_world, refined.hessian):
            return refined
        return refine_pose(refined.T_camera_world, *given, prior)

    def _look_again(
        self,
        attempt: Attempt,
        refined: RefinedPose,
        view: View,
        local_map: LocalMap,
        prior: RotationPrior | None,
        min_inliers: int,
    ) -> Located | None:
        """Look for everything that the map has around the exact place, and measure with all."""
        inliers = attempt.links.select(refined.is_inlier)
        level = float(np.quantile(inliers.similarities, _QUANTILE))
        links = find_by_place(
            local_map.landmarks,
            local_map.around(inliers.numbers, NUM_AROUND),
            view,
            refined.T_camera_world,
            self._K,
            _SECOND_RADIUS_PX,
            self.least_similarity(_SECOND_SHARE),
        )
        again = self._fit(refined.T_camera_world, links, view, local_map, prior)
        if again.num_inliers < max(self._needed(attempt), min_inliers):
            return None
        known = level if self._level is None else self._level
        self._level = known + _LEARNING * (level - known)
        self._num_before = again.num_inliers
        return Located(
            links.select(again.is_inlier),
            again.T_camera_world,
            covariance_of(again.hessian),
            again.noise,
        )

    def _needed(self, attempt: Attempt) -> int:
        least = self._config.min_inliers
        return (least + 1) // 2 if attempt.trusts_prior else least

    def _suffices(self, attempt: Attempt, refined: RefinedPose) -> bool:
        if refined.num_inliers < self._needed(attempt):
            return False
        # Links that a sample was drawn from have agreed with it already.
        is_sampled = attempt.T_view_world is None
        return is_sampled or refined.num_inliers > _SUFFICIENT_SHARE * len(attempt.links)

    def _convinces(self, attempt: Attempt, refined: RefinedPose) -> bool:
        if attempt.T_view_world is None:
            return True  # sampled: what does not agree has been left out
        before = self._num_before
        enough = max(_ENOUGH_OF_PREVIOUS * before, min(_ENOUGH, _AT_MOST_OF_PREVIOUS * before))
        share = refined.num_inliers / len(attempt.links)
        return refined.num_inliers >= enough and share > _CONVINCING_SHARE

    def _prior(self, reference: Keyframe, view: View) -> RotationPrior | None:
        """Return how the camera turned since the keyframe, or None if nobody measured it."""
        R_inertial_0, R_inertial_1 = reference.view.R_inertial_view, view.R_inertial_view
        if R_inertial_0 is None or R_inertial_1 is None:
            return None
        sigma_rad = float(np.radians(self._config.rotation_prior_noise_deg))
        R_1_0 = R_inertial_1.T @ R_inertial_0
        return RotationPrior(R_1_0 @ reference.T_view_world[:3, :3], sigma_rad)
