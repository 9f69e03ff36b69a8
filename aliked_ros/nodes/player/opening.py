"""The dataset as the parameters say, and what there is to know of it before it is played."""

from __future__ import annotations

import re
from pathlib import Path

from aliked_ros.config.companions import PlayerConfig
from aliked_ros.config.reading import RECTIFIED, ReadingConfig
from aliked_ros.datasets import DatasetError, Options, open_sequence
from aliked_ros.datasets.doubts import find_doubts
from aliked_ros.datasets.sequence import Sequence

PREFIX = "read"  # of the parameters
# Options of the command line whose parameters are called otherwise.
_PARAMETERS = {
    "camera-info": "camera_info",
    "rate": f"{PREFIX}.rate_hz",
    "topic": f"{PREFIX}.image_topic",
    "right-topic": f"{PREFIX}.right_image_topic",
}
_OF_OTHERS = ("src", "dst")  # of rosbags-convert, which messages tell how to call


def open_dataset(player: PlayerConfig, reading: ReadingConfig) -> Sequence:
    """Return the sequence that the parameters name.

    Raises:
        ValueError: naming the path or the parameter, what was looked for and what to do.
    """
    try:
        sequence = open_sequence(
            player.dataset,
            layout=reading.layout,
            options=Options(
                camera_info=Path(player.camera_info).expanduser() if player.camera_info else None,
                rate_hz=reading.rate_hz,
                topics=tuple(reading.topics.items()),
                stamps=reading.stamps,
                sync_slop_s=reading.sync_slop_s,
                grey_range=reading.grey_range,
                max_megapixels=reading.max_megapixels,
                depth_scale=reading.depth_scale,
                rectified_images=RECTIFIED[reading.rectified_images],
                image_width=reading.image_width,
            ),
        )
        sequence.require(player.sensor or None)
    except DatasetError as error:
        raise ValueError(in_words_of_ros(str(error))) from error
    return sequence


def find_remarks(sequence: Sequence, sensor: str) -> list[str]:
    """Return what was left out, guessed or looks implausible, a sentence each.

    Args:
        sequence: to be played.
        sensor: that it is played for; empty: the one that measures most.
    """
    said = [*sequence.remarks, *find_doubts(sequence, sensor or sequence.best_sensor)]
    try:
        sequence.require_camera()
    except DatasetError as error:
        said.append(f"no camera_info is published: {error}")
    return [in_words_of_ros(text) for text in said]


def in_words_of_ros(text: str) -> str:
    """Return a text whose options of the command line have become parameters of the player."""

    def parameter(option: re.Match[str]) -> str:
        name = option[1]
        if name in _OF_OTHERS:
            return option[0]
        return _PARAMETERS.get(name, f"{PREFIX}.{name.replace('-', '_')}")

    return re.sub(r"--([a-z][a-z-]*)", parameter, text)
