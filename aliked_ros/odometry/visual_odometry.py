"""Initialise, track, insert keyframes: the method on one page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.geometry.rectification import baseline_m
from aliked_ros.matching import match
from aliked_ros.odometry.initialisation import initialise
from aliked_ros.odometry.inverse_depth import carry_over, scale, triangulate_into
from aliked_ros.odometry.motion import EstimatedMotion, estimate_motion
from aliked_ros.odometry.result import (
    UNKNOWN_VARIANCE,
    Motion,
    OdometryResult,
    State,
)
from aliked_ros.odometry.tracks import Tracks, tracked_pairs
from aliked_ros.odometry.view import View, make_view, usable_pairs
from aliked_ros.structs import Camera, Features, Matches

Array = NDArray[np.float64]
Pairs = NDArray[np.int64]

_UNKNOWN_COVARIANCE = UNKNOWN_VARIANCE * np.eye(6)


@dataclass(frozen=True)
class FrameMatches:
    """The matches of a new image.

    Attributes:
        previous: with the previous image, or None if there is none.
        keyframe: with the reference keyframe, or None if there is none.
    """

    previous: Matches | None
    keyframe: Matches | None


@dataclass(frozen=True)
class _Step:
    """What one image led to; the view has a pose if it was measured."""

    view: View
    state: State
    motion: Motion = Motion.UNKNOWN
    num_inliers: int = 0
    parallax_deg: float = 0.0
    is_keyframe: bool = False
    reason: str = ""


class VisualOdometry:
    """Follows a camera by its features.

    A view with known depths is the reference, the keyframe. Each new image is matched against it;
    the pose follows from landmarks that are seen again, refined over the measurements of both
    views. When the image has moved on or little of the keyframe is left, the newest view becomes
    the keyframe.

    With a depth image or a stereo pair the depths are measured and the pose is metric. A single
    camera first waits until two views have parallax; then its unit of length is the median depth
    of the first landmarks. Later images improve and extend the depths of the keyframe, and the
    next keyframe takes them over, so that the unit stays.

    When an image matches neither the keyframe nor the previous image, the pose is held and marked
    as lost. The keyframe is tried again for `max_lost_frames` images; then the odometry starts
    anew at the held pose (a single camera with the median depth that it had).

    Args:
        config: thresholds, noise and kind of sensor.
        matcher: how descriptors are paired.
        camera: the camera whose images are used, the left one of a stereo pair.
        right_camera: the right one of a stereo pair; its P holds the baseline.

    Example:
        odometry = VisualOdometry(OdometryConfig(sensor="rgbd"), MatcherConfig(), camera)
        for stamp_ns, image, depth_m in frames:
            features = extractor(image)
            depths_m = sample_depth(depth_m, features.keypoints.cpu().numpy())
            result = odometry.process(stamp_ns, features, depths_m)
    """

    def __init__(
        self,
        config: OdometryConfig,
        matcher: MatcherConfig,
        camera: Camera,
        right_camera: Camera | None = None,
    ) -> None:
        self._config = config
        self._matcher = matcher
        self._camera = camera
        self._K = camera.K_rectified
        self._depth_sigma = _depth_sigma(config, camera, right_camera)
        self._max_displacement = (
            config.mono_keyframe_displacement
            if config.sensor == "mono"
            else config.keyframe_displacement
        )
        self._tracks = Tracks()
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next image is the origin of a new world."""
        self._tracks.forget()
        self._previous: View | None = None
        self._keyframe: View | None = None
        self._num_first_inliers = 0  # of the first image that was tracked against the keyframe
        self._num_lost = 0
        self._median_depth = 1.0  # what a single camera begins with: its unit of length
        self._T_world_view: Array | None = None  # the last pose that was measured

    def process(
        self, stamp_ns: int, features: Features, depths_m: NDArray[Any] | None = None
    ) -> OdometryResult:
        """Follow the camera to the next image: `match`, then `estimate`."""
        return self.estimate(stamp_ns, features, self.match(features), depths_m)

    def match(self, features: Features) -> FrameMatches:
        """Match the features of the next image with the previous image and the keyframe."""
        previous, keyframe = self._previous, self._keyframe
        matches = None if previous is None else match(previous.features, features, self._matcher)
        if keyframe is None or (previous is not None and previous.features is keyframe.features):
            return FrameMatches(matches, None if keyframe is None else matches)
        return FrameMatches(matches, match(keyframe.features, features, self._matcher))

    def estimate(
        self,
        stamp_ns: int,
        features: Features,
        matches: FrameMatches,
        depths_m: NDArray[Any] | None = None,
    ) -> OdometryResult:
        """Estimate the pose of the next image from its matches.

        Args:
            stamp_ns: of the image; must be later than the one before.
            features: its N keypoints.
            matches: what `match` returned for these features.
            depths_m: (N,) depth of the keypoints along the rectified optical axis, metres, NaN
                where unknown; None for a single camera.

        Raises:
            ValueError: if the stamp is not later, or features or depths do not fit the camera.
        """
        self._check(stamp_ns, features)
        view = make_view(stamp_ns, features, self._camera, depths_m, self._depth_sigma)
        if self._keyframe is None:
            step = self._begin(view)
        elif not self._keyframe.has_depth:
            step = self._initialise(self._keyframe, view, matches)
        else:
            step = self._track(self._keyframe, view, matches)
        result = self._result(step, matches)
        self._previous = step.view
        return result

    def _check(self, stamp_ns: int, features: Features) -> None:
        if self._previous is not None and stamp_ns <= self._previous.stamp_ns:
            raise ValueError(
                f"stamp is {stamp_ns} ns, the image before had {self._previous.stamp_ns} ns: "
                "stamps must increase; reset the odometry if the recording started over"
            )
        size = (self._camera.height, self._camera.width)
        if features.image_size != size:
            raise ValueError(
                f"the features are of an image of {features.image_size} (height, width) px, the "
                f"camera has {size}: make a new odometry for a new camera"
            )

    def _begin(self, view: View) -> _Step:
        """Make the first usable view the keyframe, at the last pose that was measured."""
        is_metric = self._config.sensor != "mono"
        num = int(np.isfinite(view.inverse_depth).sum()) if is_metric else len(view.pixels)
        if num < self._config.min_inliers:
            what = "keypoints with depth" if is_metric else "keypoints"
            return self._wait(view, f"{num} {what}, {self._config.min_inliers} are needed")
        is_first = self._T_world_view is None
        if self._T_world_view is None:
            view = view.at(np.eye(4), np.zeros((6, 6)))
        else:
            # Nobody knows how far the camera went while the pose was held.
            view = view.at(self._T_world_view, _UNKNOWN_COVARIANCE)
        self._set_keyframe(view)
        if is_metric and is_first:
            self._T_world_view = view.T_world_view
            return _Step(view, State.TRACKING, Motion.NONE, num, is_keyframe=True)
        reason = "waiting for parallax" if is_first else "starting anew at the last known pose"
        return replace(self._wait(view, reason), is_keyframe=True)

    def _wait(self, view: View, reason: str) -> _Step:
        state = State.INITIALISING if self._T_world_view is None else State.LOST
        return _Step(view, state, reason=reason)

    def _set_keyframe(self, view: View) -> None:
        self._keyframe = view
        self._num_first_inliers = 0

    def _initialise(self, keyframe: View, view: View, matches: FrameMatches) -> _Step:
        """Wait for parallax against the keyframe, then triangulate its depths and track."""
        pairs = usable_pairs(matches.keyframe, keyframe, view)
        start = initialise(keyframe, view, pairs, self._K, self._config)
        if start.T_1_0 is not None:
            pairs = pairs[start.inlier_mask]
            noise_px = self._config.keypoint_noise_px
            keyframe = triangulate_into(keyframe, view, pairs, start.T_1_0, self._K, noise_px)
            keyframe = scale(keyframe, self._median_depth)
            self._set_keyframe(keyframe)
            return self._track(keyframe, view, matches)
        if start.kind is Motion.UNKNOWN:
            return replace(self._begin(view), reason=start.reason)
        return replace(
            self._wait(view, start.reason), motion=start.kind, parallax_deg=start.parallax_deg
        )

    def _track(self, keyframe: View, view: View, matches: FrameMatches) -> _Step:
        """Estimate the pose against the keyframe, or else against the previous view."""
        pairs = usable_pairs(matches.keyframe, keyframe, view)
        motion = estimate_motion(keyframe, view, pairs, self._K, self._config)
        previous = self._previous
        if motion is None and previous is not None and previous.is_measured:
            pairs = usable_pairs(matches.previous, previous, view)
            motion = estimate_motion(previous, view, pairs, self._K, self._config)
            if motion is not None:
                keyframe = previous
                self._set_keyframe(keyframe)
        if motion is None:
            return self._lose(keyframe, view)
        self._num_lost = 0
        view = _moved(keyframe, view, motion)
        self._T_world_view = view.T_world_view
        if self._config.sensor == "mono" and motion.kind is Motion.GENERAL:
            keyframe = self._keyframe = self._improve(keyframe, view, pairs, motion)
        view = carry_over(
            keyframe, view, pairs, motion.T_1_0, self._K, self._config.ransac_threshold_px
        )
        is_keyframe = self._should_be_keyframe(view, motion)
        if is_keyframe:
            self._set_keyframe(view)
        return _Step(
            view,
            State.TRACKING,
            motion.kind,
            int(motion.inlier_mask.sum()),
            motion.parallax_deg,
            is_keyframe,
        )

    def _improve(self, keyframe: View, view: View, pairs: Pairs, motion: EstimatedMotion) -> View:
        """Return the keyframe with depths that the parallax of the new view makes better."""
        noise_px = self._config.keypoint_noise_px
        relative_noise = motion.relative_translation_sigma
        return triangulate_into(
            keyframe, view, pairs, motion.T_1_0, self._K, noise_px, relative_noise
        )

    def _should_be_keyframe(self, view: View, motion: EstimatedMotion) -> bool:
        """Tell whether the keyframe has been left behind; a camera that stands still keeps it."""
        num_inliers = int(motion.inlier_mask.sum())
        self._num_first_inliers = self._num_first_inliers or num_inliers
        share = num_inliers / self._num_first_inliers
        displacement = motion.displacement_px / self._camera.width
        has_moved_on = (
            displacement > self._max_displacement or share < self._config.keyframe_inlier_share
        )
        has_depths = np.isfinite(view.inverse_depth).sum() >= 2 * self._config.min_inliers
        return bool(motion.kind is not Motion.NONE and has_moved_on and has_depths)

    def _lose(self, keyframe: View, view: View) -> _Step:
        """Hold the pose; give the keyframe up when it was not found again for a while."""
        self._num_lost += 1
        if self._num_lost > self._config.max_lost_frames:
            self._median_depth = keyframe.median_depth
            return self._begin(view)
        reason = "too few keypoints agree with the keyframe on a motion, the last pose is held"
        return self._wait(view, reason)

    def _result(self, step: _Step, matches: FrameMatches) -> OdometryResult:
        """Report a step in the raw camera's frame, with the tracks since the previous image."""
        view = step.view
        is_tracking = step.state is State.TRACKING
        T_world_camera = self._T_world_view
        if T_world_camera is not None:
            # The view is the rectified camera; so is the world, whose origin is a view.
            T_rectified_camera = se3.from_rotation_translation(self._camera.R, np.zeros(3))
            T_world_camera = se3.inverse(T_rectified_camera) @ T_world_camera @ T_rectified_camera
        turn = np.kron(np.eye(2), self._camera.R.T)
        return OdometryResult(
            stamp_ns=view.stamp_ns,
            state=step.state,
            motion=step.motion,
            T_world_camera=T_world_camera,
            covariance=turn @ view.covariance @ turn.T if is_tracking else _UNKNOWN_COVARIANCE,
            num_keypoints=len(view.keypoints),
            num_matches=0 if matches.previous is None else len(matches.previous),
            num_inliers=step.num_inliers,
            parallax_deg=step.parallax_deg,
            is_keyframe=step.is_keyframe,
            reason=step.reason,
            tracks=tracked_pairs(
                self._tracks,
                self._previous,
                view,
                matches.previous,
                self._K,
                self._config.ransac_threshold_px,
            ),
        )


def _moved(keyframe: View, view: View, motion: EstimatedMotion) -> View:
    """Return the view with the pose to which a motion leads from the keyframe."""
    assert keyframe.T_world_view is not None
    adjoint = se3.adjoint(motion.T_1_0)
    return view.at(
        keyframe.T_world_view @ se3.inverse(motion.T_1_0),
        adjoint @ keyframe.covariance @ adjoint.T + motion.covariance,
    )


def _depth_sigma(config: OdometryConfig, camera: Camera, right_camera: Camera | None) -> float:
    """Return the standard deviation of a measured inverse depth, 1/m."""
    if config.sensor != "stereo":
        return config.inverse_depth_noise
    if right_camera is None:
        raise ValueError("sensor is 'stereo' and right_camera is None: give the right camera")
    return config.disparity_noise_px / (float(camera.K_rectified[0, 0]) * baseline_m(right_camera))
