"""A video file, decoded frame by frame with OpenCV."""

from __future__ import annotations

from pathlib import Path

import cv2

from aliked_ros.datasets import camera_files, stamps
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.sequence import Calibration, DatasetError, FrameError, Pictures, Sequence

DEFAULT_RATE_HZ = 30.0
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")


class VideoSequence(Sequence):
    """A video; stamps count frames at the rate that the file states.

    The calibration of NAME.mp4 is NAME.yaml or camera_info.yaml beside it.
    """

    layout = "video"
    looks_for = f"a file ending in {', '.join(VIDEO_SUFFIXES)} (video)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES

    def __init__(self, path: Path, options: Options) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        self._next = 0
        if not self._capture.isOpened():
            raise DatasetError(f"video {path} cannot be opened: broken, or a codec is missing")
        stated_hz = self._capture.get(cv2.CAP_PROP_FPS)
        has_rate = 1.0 <= stated_hz <= 1000.0
        rate_hz = options.rate_hz or (stated_hz if has_rate else DEFAULT_RATE_HZ)
        own = path.with_suffix(".yaml")
        camera_info = options.camera_info or (own if own.is_file() else None)
        super().__init__(
            path.stem,
            stamps.at_rate(self._count(), rate_hz),
            camera_files.override(Calibration(), path.parent, camera_info),
            has_stamps=has_rate,
        )

    def _count(self) -> int:
        """Return the number of frames, by decoding them where the file does not say."""
        stated = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if stated > 0:
            return stated
        counted = 0
        while self._capture.grab():
            counted += 1
        self._capture.release()
        self._capture = cv2.VideoCapture(str(self._path))
        return counted

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        if index != self._next:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        decoded, image = self._capture.read()
        self._next = index + 1
        if not decoded:
            raise FrameError(index, f"{self._path}: the video cannot be decoded there")
        return Pictures(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
