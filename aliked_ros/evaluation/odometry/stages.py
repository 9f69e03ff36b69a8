"""What each stage of the method adds: the same odometry without it, as configurations."""

from __future__ import annotations

from dataclasses import replace

from aliked_ros.config import OdometryConfig

ALL = ""  # the configuration as it was asked for
_WINDOW_SIZE = 8  # where the configuration itself adjusts nothing
_ANY_MOTION = 1e-6  # of the image width; 0 is the default of the sensor

FRAME_TO_FRAME = "frame to frame"
KEYFRAMES = "+ keyframes"
ADJUSTED = "+ bundle adjustment"
STAGES = (FRAME_TO_FRAME, KEYFRAMES, ADJUSTED)


def staged(config: OdometryConfig, stage: str) -> OdometryConfig:
    """Return the configuration of a stage.

    FRAME_TO_FRAME measures each image against the one before, which takes over the depths that
    were known. KEYFRAMES measures against the newest keyframe until it is left behind. ADJUSTED
    keeps a window of keyframes and adjusts it. What is not a matter of the stage stays.
    """
    if stage == ALL:
        return config
    if stage == FRAME_TO_FRAME:
        # Any motion is more than this; a camera that stands still keeps its keyframe.
        return replace(staged(config, KEYFRAMES), keyframe_displacement_of_width=_ANY_MOTION)
    if stage == KEYFRAMES:
        return replace(config, window_size=1)
    if stage == ADJUSTED:
        window_size = config.for_sensor().window_size
        return replace(config, window_size=window_size if window_size > 2 else _WINDOW_SIZE)
    raise ValueError(f"stage is {stage!r}: must be one of {', '.join(STAGES)}")
