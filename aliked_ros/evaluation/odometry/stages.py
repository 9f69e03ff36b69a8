"""What each stage of the method adds: the same odometry without it, as configurations."""

from __future__ import annotations

from dataclasses import replace

from aliked_ros.config import OdometryConfig

ALL = ""  # the configuration as it was asked for
_ANY_MOTION = 1e-3  # of the image width

FRAME_TO_FRAME = "frame to frame"
KEYFRAMES = "+ keyframes"
ADJUSTED = "+ bundle adjustment"
STAGES = (FRAME_TO_FRAME, KEYFRAMES, ADJUSTED)


def staged(config: OdometryConfig, stage: str) -> OdometryConfig:
    """Return the configuration of a stage.

    FRAME_TO_FRAME makes every image that moved a keyframe, and adjusts nothing. KEYFRAMES does so
    when the camera has moved on. ADJUSTED adjusts the map as well. What is not a matter of the
    stage stays.
    """
    if stage == ALL:
        return config
    if stage == FRAME_TO_FRAME:
        # Any motion is more than this; a camera that stands still keeps its keyframe.
        return replace(staged(config, KEYFRAMES), keyframe_displacement_of_width=_ANY_MOTION)
    if stage == KEYFRAMES:
        return replace(config, window_size=1)
    if stage == ADJUSTED:
        adjusts = config.window_size > 1
        return config if adjusts else replace(config, window_size=OdometryConfig().window_size)
    raise ValueError(f"stage is {stage!r}: must be one of {', '.join(STAGES)}")
