"""The knobs of the library: every default, its unit and its range; those of nodes are beside."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aliked_ros.config.knobs import Config, knob

__all__ = [
    "MATCHERS",
    "MODELS",
    "SCALE_SOURCES",
    "SENSORS",
    "Config",
    "ExtractorConfig",
    "MatcherConfig",
    "OdometryConfig",
    "ScaleConfig",
    "StereoConfig",
    "knob",
]

MODELS = ("aliked-t16", "aliked-n16", "aliked-n16rot", "aliked-n32")
MATCHERS = ("nearest", "lightglue")
SENSORS = ("mono", "stereo", "rgbd")
SCALE_SOURCES = ("none", "odometry", "camera_height")


@dataclass(frozen=True)
class ExtractorConfig(Config):
    """How an image becomes features."""

    model: str = knob("aliked-n16", "network variant", choices=MODELS)
    weights: str = knob(
        "",
        "checkpoint file; empty: $ALIKED_WEIGHTS, the user cache, a checked download, and at last "
        "the packaged aliked-t16; 'package': that one; 'seed:N': untrained, for tests",
    )
    device: str = knob("auto", "'auto' (CUDA where there is one), 'cpu', 'cuda' or 'cuda:N'")
    precision: str = knob(
        "float32", "arithmetic of the convolutions", choices=("float32", "float16")
    )
    backend: str = knob(
        "auto",
        "'auto': compiled kernels on a CPU, CUDA graphs on a GPU; 'torch': the plain network",
        choices=("auto", "torch"),
    )
    max_keypoints: int = knob(
        1000, "keep at most this many, best first", minimum=1, maximum=100_000
    )
    detection_threshold: float = knob(
        0.2, "score-map value that a keypoint must exceed", minimum=0.0, maximum=1.0
    )


@dataclass(frozen=True)
class MatcherConfig(Config):
    """How descriptors of two images are paired."""

    kind: str = knob(
        "nearest",
        "'nearest': mutual nearest neighbours; 'lightglue': a network, for aliked-n16",
        choices=MATCHERS,
    )
    min_similarity: float = knob(
        0.0, "nearest: cosine similarity below which a pair is dropped", minimum=-1.0, maximum=1.0
    )
    adaptive: bool = knob(
        True, "lightglue: compute fewer layers of fewer keypoints where these are sure"
    )
    weights: str = knob(
        "",
        "lightglue: checkpoint file; empty: $ALIKED_WEIGHTS, there or in its lightglue/, the user "
        "cache, a checked download",
    )


@dataclass(frozen=True)
class StereoConfig(Config):
    """How disparity is measured at keypoints of a rectified pair."""

    max_disparity_px: int = knob(
        128, "range of the search; nearer points get no depth", minimum=8, maximum=1024
    )


@dataclass(frozen=True)
class OdometryConfig(Config):
    """How features become poses."""

    sensor: str = knob("mono", "what measures depth: nothing, a stereo pair, a depth image",
                       choices=SENSORS)  # fmt: skip
    seed: int = knob(0, "of the random sampling; a seed repeats a run exactly", minimum=0)
    ransac_threshold_px: float = knob(
        3.0, "reprojection or epipolar error of an inlier", minimum=0.1, maximum=50.0
    )
    guided_radius_of_width: float = knob(
        0.05,
        "matches are looked for within this share of the image width around where constant "
        "velocity expects them; 0: in the whole image",
        minimum=0.0,
        maximum=1.0,
    )
    min_inliers: int = knob(15, "keypoints that must support a pose", minimum=6)
    keypoint_noise_px: float = knob(
        0.5, "standard deviation of a keypoint", minimum=0.01, maximum=10.0
    )
    disparity_noise_px: float = knob(
        0.2, "stereo: standard deviation of a disparity", minimum=0.01, maximum=10.0
    )
    inverse_depth_noise_per_m: float = knob(
        # Khoshelham and Elberink, Sensors 2012: 1.4 mm at 1 m, growing with the squared depth.
        0.0015,
        "rgbd: standard deviation of 1 / depth, 1/m",
        minimum=1e-5,
        maximum=1.0,
    )
    rotation_prior_noise_deg: float = knob(
        # Attitude sensors drift by far less between two images; their clocks and mounts do not fit
        # exactly: 5 ms at 60 deg/s and a mount that is wrong by half a degree cost this much.
        0.5,
        "with an inertial sensor: standard deviation of the turn that it measures between images",
        minimum=0.001,
        maximum=180.0,
    )
    keyframe_displacement_of_width: float = knob(
        0.0,
        "new keyframe when keypoints moved by more than this share of the image width (median); "
        "0: by sensor, mono 0.1, stereo and rgbd 0.02",
        minimum=0.0,
        maximum=1.0,
    )
    keyframe_inlier_share: float = knob(
        0.7, "new keyframe when fewer inliers are left, as part of the first image's",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    window_size: int = knob(
        0,
        "keyframes that are adjusted together (bundle adjustment), at least 3 have an effect, 1: "
        "none; 0: by sensor, mono 8, stereo and rgbd 1",
        minimum=0,
        maximum=50,
    )
    min_parallax_deg: float = knob(
        1.5, "mono: median parallax that the initialisation waits for", minimum=0.1, maximum=20.0
    )

    def for_sensor(self) -> OdometryConfig:
        """Return the same knobs; those that are 0 for "by sensor" have the value of the sensor.

        The depths of a single camera come from parallax: they get better as the camera moves away
        from a keyframe, and when several keyframes are adjusted together.
        """
        displacement, window_size = (0.1, 8) if self.sensor == "mono" else (0.02, 1)
        return replace(
            self,
            keyframe_displacement_of_width=self.keyframe_displacement_of_width or displacement,
            window_size=self.window_size or window_size,
        )


@dataclass(frozen=True)
class ScaleConfig(Config):
    """Where the metres of a single camera come from."""

    scale_source: str = knob(
        "none",
        "mono: where metres come from: nothing, the topic scale_odometry, or camera_height_m",
        choices=SCALE_SOURCES,
    )
    scale_part_m: float = knob(
        0.2,
        "odometry: lengths are compared over parts of the path this long, m",
        minimum=1e-3,
        maximum=1e3,
    )
    camera_height_m: float = knob(
        0.0,
        "camera_height: how high the camera is above the ground that it sees, m; 0: not known",
        minimum=0.0,
        maximum=100.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale_source == "camera_height" and self.camera_height_m == 0:
            raise ValueError(
                "ScaleConfig.scale_source is 'camera_height' and camera_height_m is 0: give the "
                "height of the camera above the ground, m"
            )
