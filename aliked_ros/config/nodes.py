"""The knobs of the nodes: every default, its unit and its range; no ROS in here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aliked_ros.config import Config, knob

TRANSPORTS = ("raw", "compressed")
DEPTH_TRANSPORTS = ("raw", "compressed", "compressedDepth")
RESTART_AT = ("auto", "last_pose", "origin")
DESCRIPTOR_TYPES = ("float32", "float16", "int8")


@dataclass(frozen=True)
class LifecycleConfig(Config):
    """Every node: how it starts."""

    autostart: bool = knob(
        True, "configure and activate at the start; false: wait for a lifecycle manager"
    )


@dataclass(frozen=True)
class ImageConfig(Config):
    """How the images of a camera arrive."""

    image_transport: str = knob(
        "raw", "how images arrive; compressed: IMAGE_TOPIC/compressed", choices=TRANSPORTS
    )
    stamps: str = knob(
        "message",
        "when an image was taken: what it says, or when it arrived, for drivers without stamps",
        choices=("message", "arrival"),
    )
    grey_range: str = knob(
        "auto",
        "values of 16-bit images that become black and white: 'auto' (the range that is there), "
        "'full' (0 to 65535), or 'LOW HIGH'",
    )
    max_megapixels: float = knob(
        12.0, "larger images are refused before they are decoded; 0: no limit", minimum=0.0
    )


@dataclass(frozen=True)
class CamerasConfig(Config):
    """Extractor: the cameras of which it takes images."""

    cameras: tuple[str, ...] = knob(
        ("",),
        "names of several cameras, whose images are worked on together: each has NAME/image_raw "
        "and NAME/features; one empty name: image_raw and features",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.names:
            if not re.fullmatch(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", name, re.ASCII):
                raise ValueError(
                    f"CamerasConfig.cameras is {list(self.cameras)}: {name!r} cannot be part of a "
                    "topic, give names such as 'front' or 'rig/left'"
                )
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"CamerasConfig.cameras is {list(self.cameras)}: names must differ")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the cameras; empty: there is one, without a name."""
        return tuple(name for name in self.cameras if name)


@dataclass(frozen=True)
class ViewConfig(Config):
    """Extractor: where in an image it looks; keypoints are those of the whole image."""

    image_width: int = knob(
        0,
        "wider images are resized to this width before features are found, px; calibration and "
        "depth stay those of the image as it came; 0: never",
        minimum=0,
        maximum=100_000,
    )
    crop: str = knob(
        "", "'x y width height' of the part where features are found, px; empty: everywhere"
    )
    mask: str = knob(
        "",
        "picture of the image's size, such as a PNG; where it is black no keypoints are kept, for "
        "what moves with the camera; empty: none",
    )
    use_mask_topic: bool = knob(
        False,
        "the topic mask (NAME/mask with cameras), mono8 of the image's size, says where no "
        "keypoints are kept: where it is 0; the mask of the image's stamp, else the newest",
    )


@dataclass(frozen=True)
class StreamConfig(Config):
    """Extractor: how many images of a stream are worked on, and how their features travel."""

    max_rate_hz: float = knob(
        0.0,
        "images per second at most, the others are skipped, Hz; 0: no limit",
        minimum=0.0,
        maximum=1e4,
        is_live=True,
    )
    target_rate_hz: float = knob(
        0.0,
        "images per second to hold by finding fewer keypoints where a frame takes too long, Hz; "
        "0: always max_keypoints",
        minimum=0.0,
        maximum=1e4,
        is_live=True,
    )
    min_keypoints: int = knob(
        300,
        "target_rate_hz allows at least this many keypoints",
        minimum=1,
        maximum=100_000,
        is_live=True,
    )
    descriptor_type: str = knob(
        "float32",
        "of the descriptors in the features message",
        choices=DESCRIPTOR_TYPES,
        is_live=True,
    )


@dataclass(frozen=True)
class FramesConfig(Config):
    """Tracker: the frames of the robot (REP 105), and where its sensors sit."""

    odom_frame: str = knob("odom", "fixed frame of the odometry (REP 105)", may_be_empty=False)
    base_frame: str = knob("base_link", "frame of the robot (REP 105)", may_be_empty=False)
    camera_frame: str = knob("", "optical frame of the camera; empty: frame_id of the images")
    camera_transform: str = knob(
        "",
        "camera's optical frame in base_frame: 'optical' (the camera is the base), "
        "'x y z qx qy qz qw' (m), or empty: from TF",
    )
    use_imu: bool = knob(False, "the orientation on the topic imu is a prior of the rotation")
    imu_transform: str = knob(
        "",
        "imu's frame in base_frame: 'base' (the axes of the base), 'x y z qx qy qz qw' (m), or "
        "empty: from TF",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("base_frame", "camera_frame"):
            if getattr(self, name) == self.odom_frame:
                raise ValueError(
                    f"FramesConfig.{name} is {self.odom_frame!r} and so is odom_frame: give each "
                    "frame a name of its own"
                )
        if self.camera_frame == self.base_frame and self.camera_transform:
            raise ValueError(
                f"FramesConfig.camera_frame is {self.camera_frame!r} and so is base_frame: give "
                "each frame a name of its own, or leave camera_transform empty"
            )


@dataclass(frozen=True)
class InputsConfig(Config):
    """Tracker: what it takes in."""

    device: str = knob(
        "auto", "where descriptors are matched: 'auto' (CUDA where there is one), 'cpu', 'cuda:N'"
    )
    rectified_images: bool = knob(False, "the images are rectified already: only P counts")
    depth_transport: str = knob(
        "raw",
        "how depth arrives; all but raw: depth/image_raw/TRANSPORT",
        choices=DEPTH_TRANSPORTS,
    )
    depth_scale: float = knob(
        0.0,
        "metres per unit of a depth image; 0: by its encoding, 32FC1 in metres, 16UC1 in mm",
        minimum=0.0,
        maximum=1e3,
        is_live=True,
    )
    sync_slop_s: float = knob(
        0.01,
        "stamps of one instant differ by at most this, s",
        minimum=1e-6,
        maximum=10.0,
        is_live=True,
    )
    sync_wait_s: float = knob(
        0.3,
        "features wait so long for depth or the right image, then they are tracked without, s",
        minimum=0.0,
        maximum=10.0,
        is_live=True,
    )
    sync_queue_size: int = knob(60, "images that wait for their features at most", minimum=1)
    restart_at: str = knob(
        "auto",
        "where the base is when time goes back: at the origin if the images come from a player or "
        "by sim time ('auto'), 'last_pose' or 'origin'",
        choices=RESTART_AT,
        is_live=True,
    )


@dataclass(frozen=True)
class OutputsConfig(Config):
    """Tracker: what it publishes and keeps."""

    publish_tf: bool = knob(True, "publish odom_frame -> base_frame on /tf")
    path_length: int = knob(1000, "newest poses that the path holds", minimum=1)
    trajectory_length: int = knob(
        1_000_000, "newest poses that ~/save_trajectory writes", minimum=1
    )
    output_dir: str = knob("out", "folder of what ~/save_* writes, made if absent")
    marker_size_m: float = knob(
        0.2,
        "for rviz: distance of a drawn image from its camera, m; the text of the state follows it",
        minimum=1e-3,
        maximum=1e3,
    )
    marker_line_m: float = knob(
        0.005, "for rviz: width of drawn lines, m", minimum=1e-5, maximum=1e2
    )
    vins_max_tracks: int = knob(150, "longest tracks that vins_tracks holds", minimum=1)
