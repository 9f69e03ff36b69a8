"""The knobs of the library: every default, its unit and its range; those of nodes are beside."""

from __future__ import annotations

from dataclasses import dataclass

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
        "float32",
        "arithmetic of the convolutions; float16: on CUDA; bfloat16: on a CPU with AVX512_BF16",
        choices=("float32", "float16", "bfloat16"),
    )
    backend: str = knob(
        "auto",
        "'auto': compiled kernels on a CPU, CUDA graphs on a GPU; 'torch': the plain network",
        choices=("auto", "torch"),
    )
    max_keypoints: int = knob(
        1000,
        "keep at most this many, best first",
        minimum=1,
        maximum=100_000,
        is_live=True,
    )
    spread_from: int = knob(
        0,
        "find so many keypoints, keep max_keypoints of them that lie all over the image; up to "
        "max_keypoints: keep the best, wherever they lie",
        minimum=0,
        maximum=100_000,
        is_live=True,
    )
    detection_threshold: float = knob(
        # The authors use 0.2; odometry gains by the weaker ones (docs/odometry.md).
        0.05,
        "score-map value that a keypoint must exceed",
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )


@dataclass(frozen=True)
class MatcherConfig(Config):
    """How descriptors of two images are paired."""

    kind: str = knob(
        "nearest",
        "'nearest': mutual nearest neighbours; 'lightglue': a network, for aliked-n16 "
        "or, with weights of your own, aliked-t16",
        choices=MATCHERS,
    )
    min_similarity: float = knob(
        0.0,
        "nearest: cosine similarity below which a pair is dropped",
        minimum=-1.0,
        maximum=1.0,
        is_live=True,
    )
    precision: str = knob(
        "float32",
        "lightglue: arithmetic of its layers; bfloat16: on a CPU with AVX512_BF16",
        choices=("float32", "bfloat16"),
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
        128,
        "range of the search; nearer points get no depth",
        minimum=8,
        maximum=1024,
        is_live=True,
    )


@dataclass(frozen=True)
class OdometryConfig(Config):
    """How features become poses."""

    sensor: str = knob("mono", "what measures depth: nothing, a stereo pair, a depth image",
                       choices=SENSORS)  # fmt: skip
    seed: int = knob(
        0, "of the random sampling; a seed repeats a run exactly", minimum=0, is_live=True
    )
    ransac_threshold_px: float = knob(
        3.0,
        "reprojection or epipolar error of an inlier",
        minimum=0.1,
        maximum=50.0,
        is_live=True,
    )
    guided_radius_of_width: float = knob(
        0.05,
        "matches are looked for within this share of the image width around where constant "
        "velocity expects them; 0: in the whole image",
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    min_inliers: int = knob(15, "keypoints that must support a pose", minimum=6, is_live=True)
    keypoint_noise_px: float = knob(
        0.5,
        "standard deviation of a keypoint",
        minimum=0.01,
        maximum=10.0,
        is_live=True,
    )
    disparity_noise_px: float = knob(
        0.3,
        "stereo: standard deviation of a disparity",
        minimum=0.01,
        maximum=10.0,
        is_live=True,
    )
    inverse_depth_noise_per_m: float = knob(
        # Khoshelham and Elberink, Sensors 2012: 1.4 mm at 1 m, growing with the squared depth.
        0.0015,
        "rgbd: standard deviation of 1 / depth, 1/m",
        minimum=1e-5,
        maximum=1.0,
        is_live=True,
    )
    rotation_prior_noise_deg: float = knob(
        # Attitude sensors drift by far less between two images; their clocks and mounts do not fit
        # exactly: 5 ms at 60 deg/s and a mount that is wrong by half a degree cost this much.
        0.5,
        "with an inertial sensor: standard deviation of the turn that it measures between images",
        minimum=0.001,
        maximum=180.0,
        is_live=True,
    )
    keyframe_displacement_of_width: float = knob(
        0.1,
        "new keyframe when keypoints moved by more than this share of the image width (median)",
        minimum=0.001,
        maximum=1.0,
        is_live=True,
    )
    keyframe_inlier_share: float = knob(
        0.75,
        "new keyframe when fewer of the last one's landmarks are seen, as part of what the image "
        "after it saw",
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    window_size: int = knob(
        10,
        "keyframes that are adjusted together (bundle adjustment), at most; 1: none",
        minimum=1,
        maximum=50,
        is_live=True,
    )
    max_keyframes: int = knob(
        200,
        "keyframes that the map keeps; the oldest go first",
        minimum=10,
        maximum=5000,
        is_live=True,
    )
    coast_s: float = knob(
        1.0,
        "after a loss the pose goes on as the camera moved for this long (predicted), then it is "
        "held (lost); 0: it is held at once",
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    min_parallax_deg: float = knob(
        1.5,
        "mono: median parallax that the initialisation waits for",
        minimum=0.1,
        maximum=20.0,
        is_live=True,
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
