"""The knobs: every default, its unit and its range, validated where the config is built."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

MODELS = ("aliked-t16", "aliked-n16", "aliked-n16rot", "aliked-n32")
SENSORS = ("mono", "stereo", "rgbd")
DESCRIPTOR_TYPES = ("float32", "float16", "int8")
SCALE_SOURCES = ("none", "odometry", "camera_height")


def knob(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Return a dataclass field that knows its description and the values that it allows."""
    return field(
        default=default,
        metadata={
            "description": description,
            "minimum": minimum,
            "maximum": maximum,
            "choices": choices,
        },
    )


class Config:
    """A frozen dataclass of knobs that checks itself.

    Raises:
        ValueError: naming the field, the value received and the values allowed.
    """

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            problem = _problem(value, item.default, item.metadata)
            if problem:
                raise ValueError(f"{type(self).__name__}.{item.name} is {value!r}: {problem}")


def _problem(value: Any, default: Any, limits: Any) -> str:
    """Return what is wrong with a value, or an empty string."""
    expected = type(default)
    if expected is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            return "must be a finite number"
    elif type(value) is not expected:
        return f"must be of type {expected.__name__}"
    if limits["choices"] and value not in limits["choices"]:
        return f"must be one of {', '.join(limits['choices'])}"
    if limits["minimum"] is not None and value < limits["minimum"]:
        return f"must be at least {limits['minimum']}"
    if limits["maximum"] is not None and value > limits["maximum"]:
        return f"must be at most {limits['maximum']}"
    return ""


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
class StreamConfig(Config):
    """How many images of a stream are worked on, and how their features travel."""

    max_rate: float = knob(
        0.0, "images per second at the most, the others are skipped, Hz; 0: no limit", minimum=0.0
    )
    target_rate: float = knob(
        0.0,
        "images per second that are to be held by finding fewer keypoints where a frame takes too "
        "long, Hz; 0: always max_keypoints",
        minimum=0.0,
    )
    min_keypoints: int = knob(
        300, "target_rate allows at least this many keypoints", minimum=1, maximum=100_000
    )
    descriptor_type: str = knob(
        "float32", "of the descriptors in the features message", choices=DESCRIPTOR_TYPES
    )


@dataclass(frozen=True)
class MatcherConfig(Config):
    """How descriptors of two images are paired."""

    min_similarity: float = knob(
        0.0, "cosine similarity below which a pair is dropped", minimum=-1.0, maximum=1.0
    )


@dataclass(frozen=True)
class StereoConfig(Config):
    """How disparity is measured at keypoints of a rectified pair."""

    max_disparity_px: int = knob(
        128, "range of the search; nearer points get no depth", minimum=8, maximum=1024
    )
    min_correlation: float = knob(
        0.6, "correlation below which windows show different points", minimum=0.0, maximum=1.0
    )
    max_row_offset_px: float = knob(
        1.0, "largest error of the rectification across the rows", minimum=0.0, maximum=10.0
    )
    min_margin: float = knob(
        0.03, "lead in correlation over the second best disparity", minimum=0.0, maximum=1.0
    )


@dataclass(frozen=True)
class OdometryConfig(Config):
    """How features become poses."""

    sensor: str = knob("mono", "what measures depth: nothing, a depth image, a stereo pair",
                       choices=SENSORS)  # fmt: skip
    seed: int = knob(0, "of the random sampling; a seed repeats a run exactly", minimum=0)
    ransac_threshold_px: float = knob(
        3.0, "reprojection or epipolar error of an inlier", minimum=0.1, maximum=50.0
    )
    guided_radius: float = knob(
        0.05,
        "matches are looked for within this part of the image width around where constant "
        "velocity expects them; 0: in the whole image",
        minimum=0.0,
        maximum=1.0,
    )
    max_per_cell: int = knob(
        0,
        "keypoints that support a pose from each cell, a sixteenth of the image wide; 0: all",
        minimum=0,
    )
    min_inliers: int = knob(15, "keypoints that must support a pose", minimum=6)
    keypoint_noise_px: float = knob(
        0.5, "standard deviation of a keypoint", minimum=0.01, maximum=10.0
    )
    disparity_noise_px: float = knob(
        0.2, "stereo: standard deviation of a disparity", minimum=0.01, maximum=10.0
    )
    inverse_depth_noise: float = knob(
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
    keyframe_displacement: float = knob(
        0.02,
        "new keyframe when keypoints moved by this part of the image width (median)",
        minimum=0.0,
        maximum=1.0,
    )
    mono_keyframe_displacement: float = knob(
        0.1,
        "mono: the same; depths from parallax get better as the camera moves away",
        minimum=0.0,
        maximum=1.0,
    )
    keyframe_inlier_share: float = knob(
        0.7, "new keyframe when fewer inliers are left, as part of the first image's",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    window_size: int = knob(
        1,
        "keyframes that are adjusted together (bundle adjustment); 1: none",
        minimum=1,
        maximum=50,
    )
    mono_window_size: int = knob(
        8, "mono: the same; at least 3 have an effect", minimum=1, maximum=50
    )
    min_parallax_deg: float = knob(
        1.5, "mono: median parallax that the initialisation waits for", minimum=0.1, maximum=20.0
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
