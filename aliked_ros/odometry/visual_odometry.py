"""Features of successive images -> poses: the door of the odometry."""

from __future__ import annotations

from dataclasses import replace

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.odometry import map_report
from aliked_ros.odometry.adjustment import AtOnce, InBackground
from aliked_ros.odometry.pose_tracker import PoseTracker
from aliked_ros.odometry.references import FrameMatches
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.odometry.step import report
from aliked_ros.odometry.tracks import Tracks, tracked_pairs
from aliked_ros.odometry.view import check_frame, inverse_depth_sigma, make_view
from aliked_ros.structs import AnyArray, Array, Camera, Features, Index


class VisualOdometry:
    """Follows a camera by its features; PoseTracker says how.

    With a depth image or a stereo pair the pose is metric. The unit of a single camera is the
    median depth of its first landmarks.

    Args:
        config: thresholds, noise and kind of sensor.
        matcher: how descriptors are paired.
        camera: the camera whose images are used, the left one of a stereo pair.
        right_camera: the right one of a stereo pair; its P holds the baseline.
        in_background: adjust keyframes on another thread: no frame waits for it, but a run does
            not repeat exactly.

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
        in_background: bool = False,
    ) -> None:
        self._config = config.for_sensor()
        self._make_runner = InBackground if in_background else AtOnce
        self._matcher = matcher
        self._camera = camera
        self._K = camera.K_rectified
        self._depth_sigma = inverse_depth_sigma(config, camera, right_camera)
        self._tracks = Tracks()
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next image is the origin of a new world."""
        self._tracks.forget()
        self._tracker = PoseTracker(self._config, self._K, self._camera.width, self._make_runner)

    def landmarks(self) -> tuple[Array, Index]:
        """Return the window's landmarks (L, 3) in the world; how many keyframes see each (L,)."""
        return map_report.landmarks(
            self._tracker.map.map, self._tracker.references.keyframe, self._camera.R
        )

    def keyframes(self) -> list[tuple[int, Array]]:
        """Return stamp (ns) and T_world_camera (4, 4) of the window's keyframes, oldest first."""
        return map_report.keyframes(
            self._tracker.map.map, self._tracker.references.keyframe, self._camera.R
        )

    def keyframe_points(self) -> tuple[int, Array]:
        """Return the reference keyframe's stamp (ns) and its points (N, 3), camera's frame.

        Only points whose depth is known well; beside the window's landmarks these are many that
        no other keyframe has seen: what is near a moving camera is soon out of sight.
        """
        return map_report.sharp_points(self._tracker.references.keyframe, self._camera.R)

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
        return self._tracker.references.match(features, self._matcher)

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
        references = self._tracker.references
        check_frame(stamp_ns, features, references.previous, self._camera)
        view = make_view(stamp_ns, features, self._camera, depths_m, self._depth_sigma)
        if R_inertial_camera is not None:
            view = replace(view, R_inertial_view=R_inertial_camera @ self._camera.R.T)
        step = self._tracker.follow(view, matches)
        tracks = tracked_pairs(
            self._tracks,
            references.previous,
            step.view if step.state is State.TRACKING else view,
            matches.previous,
            self._K,
            self._config.ransac_threshold_px,
        )
        references.previous = step.view
        return report(step, self._tracker.T_world_view, self._camera.R, tracks)
