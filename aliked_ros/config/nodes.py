"""The knobs of the nodes: every default, its unit and its range; no ROS in here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aliked_ros.config import SENSORS, Config, knob

TRANSPORTS = ("raw", "compressed")
DEPTH_TRANSPORTS = ("raw", "compressed", "compressedDepth")
RESTART_AT = ("auto", "last_pose", "origin")
DESCRIPTOR_TYPES = ("float32", "float16", "int8")
STAMPS = ("dataset", "now")
RECORD_FORMATS = ("text", "bag")


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


@dataclass(frozen=True)
class OverlayConfig(Config):
    """Overlay: what is drawn."""

    tail_length: int = knob(12, "frames that a track's tail is long", minimum=1)
    sync_queue_size: int = knob(60, "images that wait for their matches at most", minimum=1)


_MIN_RATE = 1e-3  # a frame each half minute


@dataclass(frozen=True)
class PlayerConfig(Config):
    """Player: what is played, and how."""

    dataset: str = knob("", "folder, video or rosbag2 to play; 'synthetic' renders a room")
    sensor: str = knob("", "publish what this sensor needs; empty: all", choices=("", *SENSORS))
    camera_info: str = knob("", "calibration file that overrides the dataset's own")
    rate: float = knob(
        1.0,
        "1 is real time, N is N times faster, 0 as fast as the consumer keeps up",
        minimum=0.0,
        maximum=1e4,
    )
    stamps: str = knob("dataset", "the dataset's stamps or the time of sending", choices=STAMPS)
    clock: bool = knob(False, "publish /clock with each stamp")
    start_timeout_s: float = knob(
        60.0,
        "wait this long for somebody to subscribe to image_raw, s",
        minimum=0.0,
        maximum=86400.0,
    )
    settle_s: float = knob(
        2.0,
        "then wait this long, so that all nodes find each other, s",
        minimum=0.0,
        maximum=3600.0,
    )
    answer_timeout_s: float = knob(
        20.0, "wait this long for the status of a frame, s", minimum=0.0, maximum=86400.0
    )
    report: str = knob("", "write counts and latencies to this file; empty: to none")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.dataset:
            raise ValueError(
                "PlayerConfig.dataset is empty: give a folder, a video, a rosbag2 or 'synthetic'"
            )
        if 0 < self.rate < _MIN_RATE:
            raise ValueError(f"PlayerConfig.rate is {self.rate!r}: must be 0 or at least 0.001")


@dataclass(frozen=True)
class RecorderConfig(Config):
    """Recorder: what is written."""

    output_dir: str = knob("out", "folder for the files, made if absent")
    format: str = knob(
        "text",
        "text: trajectory.txt, status.csv and pictures; bag: a rosbag2 (mcap) with what goes into "
        "the pipeline and what comes out",
        choices=RECORD_FORMATS,
    )
    picture_period: int = knob(0, "text: keep each N-th picture of the overlay; 0: none", minimum=0)
    features: bool = knob(True, "bag: record the features too, half a megabyte per image")
    image_transport: str = knob(
        "raw", "how images arrive; compressed: IMAGE_TOPIC/compressed", choices=TRANSPORTS
    )
    depth_transport: str = knob(
        "raw",
        "how depth arrives; all but raw: depth/image_raw/TRANSPORT",
        choices=DEPTH_TRANSPORTS,
    )


@dataclass(frozen=True)
class PageConfig(Config):
    """View: where it shows what it hears."""

    page: bool = knob(True, "show it on a page in the browser, whose address is logged")
    file: str = knob("", "recording (.rrd) that is written; empty: none")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.file and not self.file.endswith(".rrd"):
            raise ValueError(
                f"PageConfig.file is {self.file!r}: give a name that ends with .rrd, or leave it "
                "empty"
            )
        if not self.page and not self.file:
            raise ValueError("PageConfig.page is False and file is empty: set one of them")
