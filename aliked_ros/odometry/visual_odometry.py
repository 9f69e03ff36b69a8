"""Expect, match, estimate, accept, keyframe, map: the method on one page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.odometry import map_report
from aliked_ros.odometry.acceptance import accept
from aliked_ros.odometry.adjusted_map import AdjustedMap, Runner
from aliked_ros.odometry.attempts import Attempt, attempts
from aliked_ros.odometry.beginning import begin, look_for_parallax
from aliked_ros.odometry.frame_matches import FrameMatches, match_views
from aliked_ros.odometry.intake import Intake
from aliked_ros.odometry.inverse_depth import with_best_depths
from aliked_ros.odometry.keyframes import KeyframeRule
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.motion import estimate_motion
from aliked_ros.odometry.prediction import ConstantVelocity
from aliked_ros.odometry.recovery import Recovery
from aliked_ros.odometry.report import report
from aliked_ros.odometry.result import OdometryResult
from aliked_ros.odometry.runners import AtOnce
from aliked_ros.odometry.step import Measured, Step, tracking
from aliked_ros.odometry.tracks import Tracks
from aliked_ros.odometry.view import View
from aliked_ros.structs import AnyArray, Array, Camera, Features, Index


class VisualOdometry:
    """Follows a camera from image to image by its features.

    A view with known depths is the reference, the keyframe. Each new image is matched against it;
    the pose follows from landmarks that are seen again, refined over the measurements of both
    views. When the camera has moved on or little of the keyframe is left, the newest view becomes
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
        matcher: how descriptors are paired.
        camera: the camera whose images are used, the left one of a stereo pair.
        right_camera: the right one of a stereo pair; its P holds the baseline.
        make_runner: where keyframes are adjusted: AtOnce, and a run repeats exactly; InBackground,
            and no frame waits.

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
        *,
        make_runner: Callable[[], Runner] = AtOnce,
    ) -> None:
        self._config, self._matcher = config, matcher
        self._camera, self._K = camera, camera.K_rectified
        self._right_camera = right_camera
        self._intake = Intake(config, camera, right_camera)
        self._make_runner = make_runner
        self._radius_px = config.guided_radius_of_width * camera.width
        self._tracks = Tracks()
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next image is the origin of a new world."""
        self._previous: View | None = None  # the image before, with or without a pose
        self._keyframe: View | None = None  # what poses are measured against
        self._T_world_view: Array | None = None  # the last pose that was measured
        self._median_depth = 1.0  # that a single camera begins with: its unit of length
        self._velocity = ConstantVelocity()
        self._keyframe_rule = KeyframeRule(self._config, self._camera.width)
        self._recovery = Recovery()
        self._map = AdjustedMap(self._config, self._K, self._make_runner)
        self._tracks.forget()

    def reconfigure(self, config: OdometryConfig, matcher: MatcherConfig) -> None:
        """Use other thresholds and noise from the next image on; the kind of sensor stays.

        Poses go on from the keyframe; the map begins anew there.
        """
        self._config, self._matcher = config, matcher
        self._intake = Intake(config, self._camera, self._right_camera)
        self._radius_px = config.guided_radius_of_width * self._camera.width
        self._keyframe_rule = KeyframeRule(config, self._camera.width)
        self._map = AdjustedMap(config, self._K, self._make_runner)
        if self._keyframe is not None:
            is_mono = config.sensor == "mono"
            as_seen = self._keyframe.without_depth() if is_mono else self._keyframe
            self._map.begin(self._keyframe, as_seen)

    def process(
        self,
        stamp_ns: int,
        features: Features,
        depths_m: AnyArray | None = None,
        R_inertial_camera: Array | None = None,
    ) -> OdometryResult:
        """Follow the camera to the next image: `match`, then `estimate`."""
        matches = self.match(features)
        return self.estimate(stamp_ns, features, matches, depths_m, R_inertial_camera)

    def match(self, features: Features) -> FrameMatches:
        """Match the features of the next image with the views that it is compared with."""
        lost = self._recovery.lost
        return match_views(features, self._previous, self._keyframe, lost, self._matcher)

    def estimate(
        self,
        stamp_ns: int,
        features: Features,
        matches: FrameMatches,
        depths_m: AnyArray | None = None,
        R_inertial_camera: Array | None = None,
    ) -> OdometryResult:
        """Estimate the pose of the next image from its matches.

        Args:
            stamp_ns: of the image; must be later than the one before.
            features: its N keypoints.
            matches: what `match` returned for these features.
            depths_m: (N,) depth of the keypoints along the rectified optical axis, metres, NaN
                where unknown; None for a single camera.
            R_inertial_camera: (3, 3) orientation of the camera by an inertial sensor, in any
                frame that stays; None if there is none for this image.

        Raises:
            ValueError: if the stamp is not later, or features or depths do not fit the camera.
        """
        view = self._intake.take(stamp_ns, features, depths_m, R_inertial_camera, self._previous)
        step = self._track(view, matches)
        tracks = self._tracks.of_step(
            step, view, self._previous, matches.previous, self._K, self._config.ransac_threshold_px
        )
        self._previous = step.view
        return report(step, self._T_world_view, self._camera.R, tracks)

    def _track(self, view: View, matches: FrameMatches) -> Step:
        """Measure the pose of the next view: the method."""
        self._follow_map(self._map.update())
        # 1. Expect: the camera goes on as it moved.
        T_world_expected = self._velocity.predict(view.stamp_ns)
        # 2. Match: near the expected places, in the whole image, with the image before.
        candidates = self._attempts(view, matches, T_world_expected)
        # 3. Estimate: the first attempt that enough pairs agree on; what was lost comes first.
        measured = self._recover(view, matches) or self._estimate(candidates)
        if measured is None:
            # Nothing known is in sight: begin, initialise, or get lost.
            started = self._start(view, matches)
            if isinstance(started, Step):
                return started
            measured = started
        # 4. Accept: the pose, and what both views know about depths.
        accepted = accept(measured, self._K, self._config)
        self._recovery.confirm(measured.matched.view0)
        self._measure_against(accepted.view0)
        # 5. Keyframe: the view takes its place when the camera has moved on.
        view, motion = accepted.view1, measured.motion
        is_keyframe = self._keyframe_rule.is_due(accepted.view0, view, motion)
        if is_keyframe:
            # 6. Map: it is adjusted together with its neighbours.
            links = accepted.select(motion.inlier_mask)
            view = self._insert(links, as_seen=measured.matched.view1)
        self._T_world_view = view.pose
        self._velocity.observe(view.stamp_ns, view.pose)
        return tracking(view, motion, is_keyframe)

    def _attempts(
        self, view: View, matches: FrameMatches, T_world_expected: Array | None
    ) -> Iterator[Attempt]:
        keyframe, previous = self._keyframe, self._previous
        return attempts(
            view, matches, keyframe, previous, T_world_expected, self._K, self._radius_px
        )

    def _estimate(self, candidates: Iterator[Attempt]) -> Measured | None:
        """Return what the first attempt that succeeds measures."""
        for matched, trusts_prior in candidates:
            motion = estimate_motion(matched, self._K, self._config, trusts_prior=trusts_prior)
            if motion is not None:
                return Measured(matched, motion)
        return None

    def _measure_against(self, reference: View) -> None:
        """Make a view the keyframe; it may be the same one, with better depths."""
        if self._keyframe is None or reference.stamp_ns != self._keyframe.stamp_ns:
            self._keyframe_rule.restart()
        self._keyframe = reference

    def _insert(self, links: MatchedViews, as_seen: View) -> View:
        """Make view 1 the keyframe and part of the map; return it as it is there."""
        view = links.view1
        if links.view0.has_depth:
            self._follow_map(self._map.insert(links, as_seen))
            view = self._map.newest(view)
        self._measure_against(view)
        return view

    def _follow_map(self, correction: Array) -> None:
        """Move along with an adjusted map: correction (4, 4) is the left factor of T_world_view."""
        if self._keyframe is None or np.array_equal(correction, np.eye(4)):
            return
        # What frames have added to its depths since may be better than what the map knew.
        self._keyframe = with_best_depths(self._keyframe, self._map.newest(self._keyframe))
        if self._previous is not None and self._previous.T_world_view is not None:
            self._previous = self._previous.moved(correction)
        self._velocity.move(correction)
        if self._T_world_view is not None:
            self._T_world_view = correction @ self._T_world_view

    def _recover(self, view: View, matches: FrameMatches) -> Measured | None:
        """Return to the trajectory that broke off, if the view shows it."""
        measured = self._recovery.search(view, matches.lost, self._K, self._config)
        if measured is not None:
            self._velocity.forget()  # what was followed meanwhile may lie elsewhere
        return measured

    def _start(self, view: View, matches: FrameMatches) -> Step | Measured:
        """Begin, initialise, or get lost: nothing of known depth is in sight."""
        keyframe, by_keyframe = self._keyframe, matches.keyframe
        if keyframe is None:
            return self._begin(begin(view, self._T_world_view, self._config))
        if keyframe.has_depth:
            keyframe, by_keyframe = self._lose(keyframe), matches.previous
            if keyframe is None:
                return self._begin(begin(view, self._T_world_view, self._config))
        matched = MatchedViews.of(keyframe, view, by_keyframe)
        seen = look_for_parallax(
            matched, self._T_world_view, self._median_depth, self._K, self._config
        )
        if seen.step is not None:
            return self._begin(seen.step)
        if seen.rotation is not None:
            return seen.rotation
        assert seen.keyframe is not None
        self._begin_map(seen.keyframe, as_seen=seen.keyframe.without_depth())
        again = replace(matches, keyframe=by_keyframe)
        return self._estimate(self._attempts(view, again, None)) or self._start(view, again)

    def _begin(self, step: Step) -> Step:
        """Do what a step asks for: if it is a keyframe, everything restarts there."""
        if step.is_keyframe:
            self._begin_map(step.view, as_seen=step.view)
            self._T_world_view = self._T_world_view if step.is_held else step.view.T_world_view
        return step

    def _begin_map(self, view: View, as_seen: View) -> None:
        self._keyframe = view
        self._keyframe_rule.restart()
        self._map.begin(view, as_seen)

    def _lose(self, keyframe: View) -> View | None:
        """Look for what is lost from now on; return what may help at once, or None.

        A single camera may only have turned: the depths of the previous image did not help, but its
        directions may.
        """
        self._recovery.lose()
        self._velocity.forget()
        self._median_depth = keyframe.median_depth
        previous = self._previous
        if self._config.sensor != "mono" or previous is None or previous.T_world_view is None:
            return None
        self._keyframe = previous.without_depth()
        self._keyframe_rule.restart()
        return self._keyframe

    def landmarks(self) -> tuple[Array, Index]:
        """Return the window's landmarks (L, 3) in the world; how many keyframes see each (L,)."""
        return map_report.landmarks(self._map.window, self._keyframe, self._camera.R)

    def keyframes(self) -> list[tuple[int, Array]]:
        """Return stamp (ns) and T_world_camera (4, 4) of the window's keyframes, oldest first."""
        return map_report.keyframes(self._map.window, self._keyframe, self._camera.R)

    def keyframe_points(self) -> tuple[int, Array]:
        """Return the reference keyframe's stamp (ns) and its points (N, 3), camera's frame.

        Only points whose depth is known well; beside the window's landmarks these are many that
        no other keyframe has seen: what is near a moving camera is soon out of sight.
        """
        return map_report.sharp_points(self._keyframe, self._camera.R)
