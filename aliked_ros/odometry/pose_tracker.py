"""Initialise, track, insert keyframes, get lost and recover: the method on one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.adjustment import AdjustedMap, Runner
from aliked_ros.odometry.guided_matching import guided_pairs
from aliked_ros.odometry.initialisation import initialise
from aliked_ros.odometry.inverse_depth import carry_over, scale, triangulate_into
from aliked_ros.odometry.motion import EstimatedMotion, estimate_motion
from aliked_ros.odometry.prediction import ConstantVelocity
from aliked_ros.odometry.references import FrameMatches, References
from aliked_ros.odometry.result import Motion, State
from aliked_ros.odometry.step import UNKNOWN_COVARIANCE, Step, tracking
from aliked_ros.odometry.view import View, usable_pairs
from aliked_ros.structs import Array, Index

_NUM_RECOVERY_IMAGES = 30  # how long a lost keyframe is looked for


class PoseTracker:
    """Follows a camera from view to view.

    A view with known depths is the reference, the keyframe. Each new image is matched against it;
    the pose follows from landmarks that are seen again, refined over the measurements of both
    views. When the image has moved on or little of the keyframe is left, the newest view becomes
    the keyframe and takes over the depths that were known.

    With a depth image or a stereo pair the depths are measured and the pose is metric. A single
    camera first waits until two views have parallax; then its unit of length is the median depth
    of the first landmarks. Later images improve and extend the depths of the keyframe.

    When an image matches neither the keyframe nor the previous image, the odometry is lost: the
    pose is held, and a new keyframe begins there with a covariance that says so. The last keyframes
    of the trajectory are still looked for in the next images; where one is found, the pose is
    measured against it, as if nothing had happened. A single camera begins again with the median
    depth that it had, and follows a pure rotation meanwhile.

    Args:
        config: thresholds, noise and kind of sensor.
        K: (3, 3) intrinsics of the rectified camera, px.
        image_width: px.
        make_runner: where keyframes are adjusted.

    Attributes:
        references: the views that the next one is compared with.
        map: the window of keyframes.
        T_world_view: (4, 4) the last pose that was measured, or None.
    """

    def __init__(
        self,
        config: OdometryConfig,
        K: Array,
        image_width: int,
        make_runner: Callable[[], Runner],
    ) -> None:
        self._config = config
        self._K = K
        self._image_width = image_width
        self._is_mono = config.sensor == "mono"
        self._expectation = ConstantVelocity()
        self.references = References()
        self.map = AdjustedMap(config, K, make_runner)
        self.T_world_view: Array | None = None
        self._median_depth = 1.0  # what a single camera begins with: its unit of length

    def follow(self, view: View, matches: FrameMatches) -> Step:
        """Measure the pose of the next view against the references."""
        self._correct(self.map.update())
        return self._step(view, matches)

    def _correct(self, correction: Array) -> None:
        """Move what follows the adjusted window along with it."""
        references = self.references
        if references.keyframe is None or np.array_equal(correction, np.eye(4)):
            return
        keyframe, adjusted = references.keyframe, self.map.newest(references.keyframe)
        # What frames have added to its depths since may be better than what the window knew.
        is_better = keyframe.depth_sigma < adjusted.depth_sigma
        references.keyframe = adjusted.with_depth(
            np.where(is_better, keyframe.inverse_depth, adjusted.inverse_depth),
            np.where(is_better, keyframe.depth_sigma, adjusted.depth_sigma),
        )
        previous = references.previous
        if previous is not None and previous.T_world_view is not None:
            references.previous = previous.at(
                correction @ previous.T_world_view, previous.covariance
            )
        self._expectation.move(correction)
        if self.T_world_view is not None:
            self.T_world_view = correction @ self.T_world_view

    def _step(self, view: View, matches: FrameMatches) -> Step:
        keyframe = self.references.keyframe
        if keyframe is None:
            return self._begin(view)
        recovered = self._recover(view, matches)
        if recovered is not None:
            return recovered
        if not keyframe.has_depth:
            return self._initialise(keyframe, view, matches)
        return self._track(keyframe, view, matches)

    def _begin(self, view: View) -> Step:
        """Make a view the keyframe, as the origin or at the last pose that was measured."""
        num = len(view.pixels) if self._is_mono else int(np.isfinite(view.inverse_depth).sum())
        if num < self._config.min_inliers:
            what = "keypoints" if self._is_mono else "keypoints with depth"
            return self._wait(view, f"{num} {what}, {self._config.min_inliers} are needed")
        if self.T_world_view is not None:
            # Nobody knows how far the camera went since.
            view = view.at(self.T_world_view, UNKNOWN_COVARIANCE)
            step = self._wait(view, "nothing known is in sight, beginning anew at the last pose")
        elif self._is_mono:
            view = view.at(np.eye(4), np.zeros((6, 6)))
            step = self._wait(view, "waiting for a second image with parallax")
        else:
            view = view.at(np.eye(4), np.zeros((6, 6)))
            self.T_world_view = view.T_world_view
            step = Step(view, State.TRACKING, Motion.NONE, num)
        self.references.set_keyframe(view)
        self.map.begin(view, view)
        return replace(step, is_keyframe=True)

    def _wait(self, view: View, reason: str) -> Step:
        state = State.INITIALISING if self.T_world_view is None else State.LOST
        return Step(view, state, reason=reason)

    def _initialise(self, keyframe: View, view: View, matches: FrameMatches) -> Step:
        """Wait for parallax against the keyframe, then triangulate its depths and track."""
        pairs = usable_pairs(matches.keyframe, keyframe, view)
        start = initialise(keyframe, view, pairs, self._K, self._config, self._median_depth)
        if start.kind is Motion.UNKNOWN:
            return replace(self._begin(view), reason=start.reason)
        motion = start.motion
        if motion is not None and motion.kind is Motion.GENERAL:
            pairs = pairs[motion.inlier_mask]
            keyframe = self._improve(keyframe, view, pairs, motion)
            measured = keyframe.without_depth()
            keyframe = scale(keyframe, self._median_depth)
            self.references.set_keyframe(keyframe)
            self.map.begin(keyframe, measured)
            return self._track(keyframe, view, matches)
        if motion is not None and self.T_world_view is not None:
            return self._follow(keyframe, view, pairs, motion)
        waiting = self._wait(view, start.reason)
        return replace(waiting, motion=start.kind, parallax_deg=start.parallax_deg)

    def _track(self, keyframe: View, view: View, matches: FrameMatches) -> Step:
        """Measure the pose against the keyframe, or else against the previous view."""
        pairs = usable_pairs(matches.keyframe, keyframe, view)
        guided = self._guided(keyframe, view, pairs)
        if guided is not None:
            motion = estimate_motion(keyframe, view, guided, self._K, self._config)
            if motion is not None:
                return self._follow(keyframe, view, guided, motion)
        motion = estimate_motion(keyframe, view, pairs, self._K, self._config)
        if motion is not None:
            return self._follow(keyframe, view, pairs, motion)
        previous = self.references.previous
        if previous is not None and previous.is_measured:
            pairs = usable_pairs(matches.previous, previous, view)
            motion = estimate_motion(previous, view, pairs, self._K, self._config)
            if motion is not None:
                self.references.set_keyframe(previous)
                return self._follow(previous, view, pairs, motion)
        pairs = usable_pairs(matches.keyframe, keyframe, view)
        motion = estimate_motion(keyframe, view, pairs, self._K, self._config, trusts_prior=True)
        if motion is not None:
            return self._follow(keyframe, view, pairs, motion)
        return self._lose(keyframe, view, matches)

    def _guided(self, keyframe: View, view: View, pairs: Index) -> Index | None:
        """Return pairs (K, 2) near where the last motion expects them; None: it expects wrongly."""
        T_world_view = self._expectation.predict(view.stamp_ns)
        radius_px = self._config.guided_radius_of_width * self._image_width
        if T_world_view is None or keyframe.T_world_view is None or radius_px == 0:
            return None
        T_view_keyframe = se3.inverse(T_world_view) @ keyframe.T_world_view
        return guided_pairs(keyframe, view, pairs, T_view_keyframe, self._K, radius_px)

    def _follow(self, keyframe: View, view: View, pairs: Index, motion: EstimatedMotion) -> Step:
        """Move to where a motion leads, and pass on what is known about depths."""
        measured = view
        view = _moved(keyframe, view, motion)
        self.references.confirm(keyframe)
        if keyframe.has_depth:
            if self._is_mono and motion.kind is Motion.GENERAL:
                keyframe = self.references.keyframe = self._improve(keyframe, view, pairs, motion)
            threshold_px = self._config.ransac_threshold_px
            view = carry_over(keyframe, view, pairs, motion.T_1_0, self._K, threshold_px)
        is_keyframe = self._should_be_keyframe(keyframe, view, motion)
        if is_keyframe:
            if keyframe.has_depth:
                links = pairs[motion.inlier_mask]
                self._correct(self.map.insert(view, measured, keyframe, links))
                view = self.map.newest(view)
            self.references.set_keyframe(view)
        self.T_world_view = view.T_world_view
        assert self.T_world_view is not None
        self._expectation.observe(view.stamp_ns, self.T_world_view)
        return tracking(view, motion, is_keyframe)

    def _improve(self, keyframe: View, view: View, pairs: Index, motion: EstimatedMotion) -> View:
        """Return the keyframe with the depths that the parallax of the new view gives."""
        noise_px = self._config.keypoint_noise_px
        relative_noise = motion.relative_translation_sigma
        return triangulate_into(
            keyframe, view, pairs, motion.T_1_0, self._K, noise_px, relative_noise
        )

    def _should_be_keyframe(self, keyframe: View, view: View, motion: EstimatedMotion) -> bool:
        """Tell whether the keyframe has been left behind; a camera that stands still keeps it."""
        config, references = self._config, self.references
        num_inliers = int(motion.inlier_mask.sum())
        references.num_first_inliers = references.num_first_inliers or num_inliers
        share = num_inliers / references.num_first_inliers
        displacement = motion.displacement_px / self._image_width
        max_displacement = config.keyframe_displacement_of_width
        has_moved_on = displacement > max_displacement or share < config.keyframe_inlier_share
        num_depths = np.isfinite(view.inverse_depth).sum()
        is_usable = not keyframe.has_depth or num_depths >= 2 * config.min_inliers
        return bool(motion.kind is not Motion.NONE and has_moved_on and is_usable)

    def _lose(self, keyframe: View, view: View, matches: FrameMatches) -> Step:
        """Begin anew at the last pose, and remember the keyframe in case the camera comes back."""
        references = self.references
        references.lose(_NUM_RECOVERY_IMAGES)
        self._expectation.forget()
        self._median_depth = keyframe.median_depth
        previous = references.previous
        if self._is_mono and previous is not None and previous.T_world_view is not None:
            # Its depths did not help, but its directions may: the camera may only have turned.
            previous = previous.without_depth()
            references.set_keyframe(previous)
            return self._initialise(previous, view, replace(matches, keyframe=matches.previous))
        return self._begin(view)

    def _recover(self, view: View, matches: FrameMatches) -> Step | None:
        """Return to the trajectory that broke off if the image clearly shows a keyframe of it."""
        references = self.references
        if not references.lost or len(view.pixels) < self._config.min_inliers:
            return None
        for lost, found in zip(references.lost, matches.lost, strict=True):
            pairs = usable_pairs(found, lost, view)
            motion = estimate_motion(lost, view, pairs, self._K, self._config)
            if motion is not None and motion.inlier_mask.sum() >= 2 * self._config.min_inliers:
                references.find(lost)
                self._expectation.forget()  # what was followed meanwhile may lie elsewhere
                return self._follow(lost, view, pairs, motion)
        references.count_attempt()
        return None


def _moved(keyframe: View, view: View, motion: EstimatedMotion) -> View:
    """Return the view with the pose to which a motion leads from the keyframe."""
    assert keyframe.T_world_view is not None
    adjoint = se3.adjoint(motion.T_1_0)
    return view.at(
        keyframe.T_world_view @ se3.inverse(motion.T_1_0),
        adjoint @ keyframe.covariance @ adjoint.T + motion.covariance,
    )
