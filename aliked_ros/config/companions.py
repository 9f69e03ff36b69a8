"""The knobs of the nodes beside the pipeline: overlay, player, recorder, view."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import SENSORS, Config, knob
from aliked_ros.config.nodes import DEPTH_TRANSPORTS, TRANSPORTS

STAMPS = ("dataset", "now")
RECORD_FORMATS = ("text", "bag")


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
    num_subscribers: int = knob(
        1,
        "play once so many take image_raw: the extractor; overlay and recorder where all counts",
        minimum=1,
        maximum=100,
    )
    # rmw_fastrtps announces a process every three seconds, should its first announcements be lost.
    settle_s: float = knob(
        4.0,
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
