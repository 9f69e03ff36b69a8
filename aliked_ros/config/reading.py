"""The knobs of reading a dataset: what its layout does not tell, or tells wrongly."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config.knobs import Config, knob

LAYOUTS = ("auto", "rosbag2", "video", "kitti", "kitti_raw", "tum", "euroc", "7scenes", "images")
RECTIFIED = {"auto": None, "true": True, "false": False}
_TOPIC = "of bags: topic of the {}; empty: chosen by type and name"


@dataclass(frozen=True)
class ReadingConfig(Config):
    """Player: how the dataset is read."""

    layout: str = knob("auto", "layout, if it is taken for another one", choices=LAYOUTS)
    rate_hz: float = knob(
        0.0,
        "frames per second where nothing says it, Hz; 0: as is usual",
        minimum=0.0,
        maximum=1e4,
    )
    stamps: str = knob(
        "header",
        "of bags: when an image was taken: what its header says, or when it was recorded",
        choices=("header", "recorded"),
    )
    sync_slop_s: float = knob(
        0.0,
        "right and depth images belong to an image if their stamps differ by at most this, s; 0: "
        "0.005 for EuRoC, else 0.02",
        minimum=0.0,
        maximum=10.0,
    )
    depth_scale: float = knob(
        0.0,
        "metres per unit of depth images, 0.001 for millimetres; 0: as layout or encoding says",
        minimum=0.0,
        maximum=1e3,
    )
    grey_range: str = knob(
        "auto",
        "values of 16-bit images that become black and white: 'auto' (the range that is there), "
        "'full' (0 to 65535), or 'LOW HIGH'",
    )
    max_megapixels: float = knob(
        40.0, "larger images are refused before they are decoded; 0: no limit", minimum=0.0
    )
    image_width: int = knob(
        0,
        "images are made so wide, and their calibration with them, px; 0: as they are",
        minimum=0,
        maximum=100_000,
    )
    rectified_images: str = knob(
        "auto",
        "whether the images are rectified already, so that only P counts; 'auto': topics called "
        "image_rect... are",
        choices=tuple(RECTIFIED),
    )
    image_topic: str = knob("", _TOPIC.format("(left) image"))
    right_image_topic: str = knob("", _TOPIC.format("right image"))
    depth_topic: str = knob("", _TOPIC.format("depth image"))
    camera_info_topic: str = knob("", _TOPIC.format("calibration"))
    right_camera_info_topic: str = knob("", _TOPIC.format("right calibration"))

    @property
    def topics(self) -> dict[str, str]:
        """Role of a topic in a bag -> the topic, where one is given."""
        roles = {
            "image": self.image_topic,
            "right_image": self.right_image_topic,
            "depth": self.depth_topic,
            "camera_info": self.camera_info_topic,
            "right_camera_info": self.right_camera_info_topic,
        }
        return {role: topic for role, topic in roles.items() if topic}
