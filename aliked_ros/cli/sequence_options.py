"""Command-line options that tell how a sequence, or a single image, is read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aliked_ros.datasets import Sequence

# Option -> role of a topic in a bag, and what it is called.
_TOPICS = {
    "--topic": ("image", "(left) image"),
    "--right-topic": ("right_image", "right image"),
    "--depth-topic": ("depth", "depth image"),
    "--camera-info-topic": ("camera_info", "calibration of the image"),
    "--right-camera-info-topic": ("right_camera_info", "calibration of the right image"),
}


def add_sequence_options(parser: argparse.ArgumentParser) -> None:
    """Declare how a sequence is read."""
    group = parser.add_argument_group("how the sequence is read")
    group.add_argument(
        "--camera-info",
        type=Path,
        metavar="FILE",
        help="calibration in place of the sequence's own: ROS camera_calibration YAML, a "
        "CameraInfo message, or Kalibr's camchain",
    )
    group.add_argument(
        "--rectified-images",
        action=argparse.BooleanOptionalAction,
        help="the images are rectified already, so that only P counts (default: topics called "
        "image_rect... are)",
    )
    group.add_argument("--layout", default="auto", help="layout, if it is taken for another one")
    group.add_argument("--rate", type=float, default=0.0, metavar="HZ", help="if it has no stamps")
    group.add_argument(
        "--depth-scale",
        type=float,
        default=0.0,
        metavar="M",
        help="metres per unit of its depth images, 0.001 for millimetres (default: as the layout "
        "or the encoding says)",
    )
    group.add_argument(
        "--sync-slop-s",
        type=float,
        default=0.0,
        metavar="X",
        help="right and depth images belong to an image if their stamps differ by at most this, s "
        "(default: 0.005 for EuRoC, else 0.02)",
    )
    add_image_options(group)
    group.add_argument(
        "--image-width",
        type=int,
        default=0,
        metavar="PX",
        help="make images so wide, and their calibration with them (default: as they are)",
    )
    for option, (_, name) in _TOPICS.items():
        group.add_argument(option, metavar="TOPIC", help=f"of bags: {name}")
    group.add_argument(
        "--stamps",
        choices=("header", "recorded"),
        default="header",
        help="of bags: when an image was taken: what its header says, or when it was recorded, for "
        "drivers without stamps (default: header)",
    )


def add_image_options(group: argparse._ActionsContainer) -> None:
    """Declare how image files are read."""
    group.add_argument(
        "--grey-range",
        default="auto",
        metavar="RANGE",
        help="values of 16-bit images that become black and white: 'auto' (the range that is "
        "there), 'full' (0 to 65535), or 'LOW HIGH' (default: auto)",
    )
    group.add_argument(
        "--max-megapixels",
        type=float,
        default=40.0,
        metavar="X",
        help="larger images are refused before they are decoded; 0: no limit (default: 40)",
    )


def open_with_options(path: str, options: argparse.Namespace) -> Sequence:
    """Open a sequence as the options say.

    Raises:
        DatasetError: naming the path, what was looked for and what to do.
        ValueError: naming an option and its value.
    """
    from aliked_ros.datasets import Options, open_sequence

    given = vars(options)
    topics = {
        role: topic
        for option, (role, _) in _TOPICS.items()
        if (topic := given[option[2:].replace("-", "_")])
    }
    return open_sequence(
        path,
        layout=options.layout,
        options=Options(
            None if options.camera_info is None else options.camera_info.expanduser(),
            options.rate,
            tuple(topics.items()),
            options.stamps,
            options.sync_slop_s,
            options.grey_range,
            options.max_megapixels,
            options.depth_scale,
            options.rectified_images,
            options.image_width,
        ),
    )


def say(remarks: Iterable[str]) -> None:
    """Print what there is to know of a sequence, a line each, where errors go."""
    for remark in remarks:
        print(f"note: {remark}", file=sys.stderr)
