"""Expect, match, estimate, accept, keyframe, map: the method on one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import map_report
from aliked_ros.odometry.acceptance import accept, median_depth
from aliked_ros.odometry.attached import AttachedPoints
from aliked_ros.odometry.frame_matches import FrameMatches, match_views
from aliked_ros.odometry.intake import Intake
from aliked_ros.odometry.keyframes import KeyframeRule
from aliked_ros.odometry.localiser import Localiser
from aliked_ros.odometry.located import Located
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.map.mapping import Mapping, Runner
from aliked_ros.odometry.motion import motion_since
from aliked_ros.odometry.prediction import ConstantVelocity
from aliked_ros.odometry.recovery import Recovery
from aliked_ros.odometry.report import report
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.odometry.runners import AtOnce
from aliked_ros.odometry.starting import Starting
from aliked_ros.odometry.step import Step, tracking
from aliked_ros.odometry.tracks import Tracks
from aliked_ros.odometry.trial import WAITING, Trial
from aliked_ros.odometry.uncertainty import UNIT_DEVIATION, Uncertainty
from aliked_ros.odometry.view import PosedView, View
from aliked_ros.structs import AnyArray, Array, Camera, Features, Index


class VisualOdometry:
    """Follows a camera from image to image by what it saw before.

    Some views, the keyframes, stay in a map of landmarks. For each new image the landmarks around
    are looked for where the camera should see them; its pose follows from all that are found, with
    their uncertainty. When the camera has moved on, the view becomes a keyframe: it makes new
    landmarks, and the keyframes and landmarks around it are adjusted together.

    With a depth image or a stereo pair the depths are measured and the pose is metric; images
    without depth are followed all the same. A single camera first waits until views have parallax
    and others confirm a map; its unit of length is the median depth of the first landmarks.

    When an image shows nothing of the map, the odometry is lost: the pose is held, and a new map
    begins there with a covariance that says so. The map that broke off is still looked for; where
    it is recognised, the pose is measured in it. A single camera begins again with the median
    depth that it had, and follows a pure rotation meanwhile.

    Args:
        config: thresholds, noise and kind of sensor.
        matcher: how descriptors are paired.
        camera: the camera whose images are used, the left one of a stereo pair.
        right_camera: the right one of a stereo pair; its P holds the baseline.
        make_runner: where the map is adjusted: AtOnce, and a run repeats exactly; InBackground,
            and no frame waits.
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
        self._camera, self._K = camera, camera.K_rectified
        self._right_camera, self._make_runner = right_camera, make_runner
        self._tracks = Tracks()
        self._attached = AttachedPoints()  # of the camera, whatever world it is in
        self._recovery = Recovery()
        self._trial = Trial()
        self._prediction = ConstantVelocity()
        self._uncertainty = Uncertainty(camera.width)
        self._configure(config, matcher)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next image is the origin of a new world."""
        self._map: LocalMap | None = None
        self._previous: View | None = None  # the image before
        self._posed: PosedView | None = None  # the last image whose pose was measured
        self._median_depth = 1.0  # of what a single camera sees: its unit of length
        for part in (
            self._localiser, self._mapping, self._starting, self._recovery, self._prediction,
            self._tracks, self._trial,
        ):  # fmt: skip
            part.forget()

    def reconfigure(self, config: OdometryConfig, matcher: MatcherConfig) -> None:
        """Use other thresholds and noise from the next image on; the kind of sensor stays."""
        self._configure(config, matcher)

    def _configure(self, config: OdometryConfig, matcher: MatcherConfig) -> None:
        K = self._K
        self._config, self._matcher = config, matcher
        self._scale_px = float(K[0, 0]), config.keypoint_noise_px
        self._intake = Intake(config, self._camera, self._right_camera)
        self._localiser = Localiser(config, matcher, K, self._camera.width)
        self._mapping = Mapping(config, K, self._make_runner)
        self._keyframe_rule = KeyframeRule(config, self._camera.width)
        self._uncertainty.noise = config.keypoint_noise_px / float(K[0, 0])
        self._uncertainty.unit_deviation = UNIT_DEVIATION if config.sensor == "mono" else 0.0
        self._starting = Starting(config, matcher, K, self._prediction)

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
        """Match the features of the next image with those of the image before."""
        return match_views(features, self._previous, self._starting.first, self._matcher)

    def estimate(
        self,
        stamp_ns: int,
        features: Features,
        matches: FrameMatches,
        depths_m: AnyArray | None = None,
        R_inertial_camera: Array | None = None,
        depth_offset_s: float = 0.0,
    ) -> OdometryResult:
        """Estimate the pose of the next image.

        Args:
            stamp_ns: of the image; must be later than the one before.
            features: its N keypoints.
            matches: what `match` returned for these features.
            depths_m: (N,) depth of the keypoints along the rectified optical axis, metres, NaN
                where unknown; None for a single camera.
            R_inertial_camera: (3, 3) orientation of the camera by an inertial sensor, in any
                frame that stays; None if there is none for this image.
            depth_offset_s: stamp of the depths minus that of the image: the camera moved meanwhile.

        Raises:
            ValueError: if the stamp is not later, or features or depths do not fit the camera.
        """
        previous, posed = self._previous, self._posed
        view = self._intake.take(stamp_ns, features, depths_m, R_inertial_camera, previous)
        view = view.with_late_depths(depth_offset_s, *self._prediction.speed())
        view, num_attached = self._attached.hide(view)
        step = self._track(view, matches)
        T_world_previous = None
        if posed is not None and posed.view is previous:
            T_world_previous = posed.T_world_view
        T_world_view = None
        if step.state is State.TRACKING and step.posed is not None:
            self._posed, T_world_view = step.posed, step.posed.T_world_view
        tracks = self._tracks.of_image(
            view, T_world_view, previous, T_world_previous, matches.previous, self._K,
            self._config.ransac_threshold_px,
        )  # fmt: skip
        if T_world_view is not None and T_world_previous is not None:
            self._attached.observe(tracks, self._tracks.off_px)
        self._previous = view
        result = report(step, view, self._camera.R, tracks)
        return replace(result, num_attached=num_attached)

    def _track(self, view: View, matches: FrameMatches) -> Step:
        """Measure the pose of the next view: the method."""
        if self._map is not None:
            newest = self._map.newest_image.T_world_view
            self._follow(self._mapping.update(self._map), newest)
        # 1. Expect: the camera goes on as it moved.
        T_world_expected = self._prediction.predict(view.stamp_ns, view.turn_from(self._previous))
        # 2. Match: landmarks near their expected places, else in the whole image.
        # 3. Estimate: the pose that most landmarks agree on. What was lost comes first.
        located = self._recover(view) or self._locate(view, matches, T_world_expected)
        refused = self._trial.judge(located)
        if refused:
            return self._withdraw(view, refused)
        if located is None:
            return self._go_without(view, matches)
        assert self._map is not None
        # 4. Accept: the pose with its covariance; a camera that stands still stays exactly.
        motion = motion_since(self._map, view, located, *self._scale_px)
        image, covariance = accept(view, located, motion, self._map, self._uncertainty)
        self._median_depth = median_depth(self._map, image)
        self._starting.forget()
        # 5. Keyframe: the view becomes one when the camera has moved on.
        is_keyframe = self._keyframe_rule.is_due(self._map.reference, view, located, motion)
        # 6. Map: it grows, and is adjusted around the keyframe.
        if is_keyframe:
            self._insert(self._map, image, located)
            covariance = self._uncertainty.corrected(covariance)
        self._prediction.observe(view.stamp_ns, image.T_world_view)
        follows = self._posed is not None and self._posed.view is self._previous
        step = covariance.step if follows else None
        posed = PosedView(
            view, image.T_world_view, covariance.total, covariance.noise, step,
            covariance.unit_deviation,
        )  # fmt: skip
        parallax_deg = motion.parallax_deg
        measured = tracking(posed, motion.kind, len(located), parallax_deg, is_keyframe)
        return self._on_trial(view, measured)

    def _locate(
        self, view: View, matches: FrameMatches, T_world_expected: Array | None
    ) -> Located | None:
        if self._map is None:
            return None
        follows = self._map.newest_image.view is self._previous
        expected = None if T_world_expected is None else se3.inverse(T_world_expected)
        pairs = matches.previous if follows else None
        return self._localiser.locate(view, self._map, pairs, expected)

    def _insert(self, local_map: LocalMap, image: Keyframe, located: Located) -> None:
        """Make an image that was located a keyframe of the map."""
        image.view = image.view.noisier(located.noise)
        T_world_view = image.T_world_view
        least_similarity = self._localiser.least_similarity()
        self._follow(self._mapping.insert(local_map, image, least_similarity), T_world_view)
        self._keyframe_rule.restart()

    def _follow(self, correction: Array, T_world_view: Array) -> None:
        """Move along with an adjusted map.

        Args:
            correction: (4, 4) left factor of T_world_view.
            T_world_view: (4, 4) of the newest image, before the map moved.
        """
        self._uncertainty.correct(correction, T_world_view)
        self._prediction.move(correction)
        if self._posed is not None:
            self._posed = replace(self._posed, T_world_view=correction @ self._posed.T_world_view)

    def _recover(self, view: View) -> Located | None:
        """Return to the map that broke off, if the view shows it."""
        recognised = self._recovery.recognise(view, self._localiser, self._config.min_inliers)
        if recognised is None:
            return None
        self._take(recognised.local_map)
        self._prediction.forget()
        return recognised.located

    def _take(self, local_map: LocalMap) -> None:
        """Go on in a map, at its reference."""
        self._map = local_map
        self._trial.forget()
        self._mapping.forget()
        self._keyframe_rule.restart()
        self._uncertainty.restart(local_map.reference)

    def _go_without(self, view: View, matches: FrameMatches) -> Step:
        """Follow a rotation, begin, or get lost: nothing known is in sight."""
        started, posed = None, self._posed
        if self._map is not None and posed is not None and posed.view is self._previous:
            started = self._starting.turn(view, posed, matches, self._median_depth)
        begins = started is None or started.local_map is not None
        if self._map is not None and begins:
            self._recovery.lose(self._map)
            self._map = None
        started = started or self._starting.begin(view, posed, matches, self._median_depth)
        if started.local_map is not None:
            self._take(started.local_map)
            if len(started.local_map.landmarks) == 0:
                self._mapping.enrich(started.local_map, self._localiser.least_similarity())
        if started.step.state is State.TRACKING and started.step.posed is not None:
            if started.local_map is not None:
                self._prediction.forget()
            self._prediction.observe(view.stamp_ns, started.step.posed.T_world_view)
        if started.local_map is not None and self._config.sensor == "mono":
            self._trial.start(started.local_map, self._median_depth)
        return self._on_trial(view, started.step)

    def _on_trial(self, view: View, step: Step) -> Step:
        """Return a step; its pose is not believed while the map is on trial."""
        if not self._trial.is_open:
            return step
        return self._starting.hold(view, self._posed, step, WAITING)

    def _withdraw(self, view: View, reason: str) -> Step:
        """Forget a map that the next image does not show, as if it had never begun."""
        self._map, self._median_depth = None, self._trial.median_depth
        for part in (self._trial, self._mapping, self._starting, self._prediction):
            part.forget()
        return self._starting.hold(view, self._posed, Step(State.INITIALISING), reason)

    def landmarks(self) -> tuple[Array, Index]:
        """Return the landmarks (L, 3) in the world; how many keyframes see each (L,)."""
        return map_report.landmarks(self._map, self._camera.R)

    def keyframes(self) -> list[tuple[int, Array]]:
        """Return stamp (ns) and T_world_camera (4, 4) of the keyframes, oldest first."""
        return map_report.keyframes(self._map, self._camera.R)

    def keyframe_points(self) -> tuple[int, Array]:
        """Return the last keyframe's stamp (ns) and its well-known landmarks (N, 3) in it."""
        return map_report.sharp_points(self._map, self._camera.R)
