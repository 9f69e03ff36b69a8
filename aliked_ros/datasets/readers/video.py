"""A video file, decoded frame by frame with OpenCV."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from aliked_ros.datasets import camera_files, stamps
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.partners import how_turned
from aliked_ros.datasets.sequence import Calibration, DatasetError, FrameError, Pictures, Sequence
from aliked_ros.images.errors import ImageError, check_pixels
from aliked_ros.images.picture import silence
from aliked_ros.structs import Index

DEFAULT_RATE_HZ = 30.0
_WHOLE_SHARE = 0.8  # of the number of frames that a file states, which may be an estimate
_MAX_FRAMES = 1e8  # more are no number of frames
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")


class VideoSequence(Sequence):
    """A video; stamps are those of its container, which counts phones' uneven rates rightly.

    They are found by going through the file once. A file without them, or `rate_hz`, counts frames.

    The calibration of NAME.mp4 is NAME.yaml or camera_info.yaml beside it.
    """

    layout = "video"
    looks_for = f"a file ending in {', '.join(VIDEO_SUFFIXES)} (video)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES

    def __init__(self, path: Path, options: Options) -> None:
        self._path, self._options = path, options
        self._capture = _open(path)
        self._next = 0
        if not self._capture.isOpened():
            raise DatasetError(f"video {path} cannot be opened: {_why_not(path)}")
        stated_hz = self._capture.get(cv2.CAP_PROP_FPS)
        has_rate = 1.0 <= stated_hz <= 1000.0
        times_ns = self._read_times()
        has_times = not options.rate_hz and _are_times(times_ns)
        rate_hz = options.rate_hz or (stated_hz if has_rate else DEFAULT_RATE_HZ)
        own = path.with_suffix(".yaml")
        if options.camera_info is None and own.is_file():
            options = replace(options, camera_info=own)
        super().__init__(
            path.stem,
            times_ns if has_times else stamps.at_rate(len(times_ns), rate_hz),
            camera_files.override(Calibration(), path.parent, options),
            has_stamps=has_times or (has_rate and not options.rate_hz),
            remarks=[
                *_remarks(times_ns, has_times, options.rate_hz or stated_hz),
                _turned(self._capture),
                _cut_off(len(times_ns), self._capture.get(cv2.CAP_PROP_FRAME_COUNT)),
            ],
        )

    def _read_times(self) -> Index:
        """Return the time of each frame in the container, ns."""
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        try:
            check_pixels(width, height, self._options.max_megapixels)
        except ImageError as error:
            raise DatasetError(f"video {self._path}: {error}") from error
        times_ms = []
        while self._capture.grab():
            times_ms.append(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        self._rewind()
        if not times_ms:
            raise DatasetError(f"video {self._path} holds no frame that can be decoded")
        # Some files have times that are none: they count as equal, so that frames are counted.
        return np.round(np.nan_to_num(times_ms, posinf=0.0, neginf=0.0) * 1e6).astype(np.int64)

    def _rewind(self) -> None:
        self._capture.release()
        self._capture = _open(self._path)
        self._next = 0

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        if index < self._next:
            self._rewind()
        # Seeking is exact neither with uneven rates nor in every container; going forward is.
        while self._next < index and self._capture.grab():
            self._next += 1
        decoded, image = self._capture.read()
        self._next += 1
        if not decoded:
            raise FrameError(index, f"{self._path}: the video cannot be decoded there")
        return Pictures(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _open(path: Path) -> cv2.VideoCapture:
    """Return a video whose pictures are as the camera stored them, in every version of OpenCV."""
    with silence():  # what cannot be opened is said in our words
        capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return capture


def _turned(capture: cv2.VideoCapture) -> str:
    """Return that players turn the pictures, or an empty string."""
    turn_deg = capture.get(cv2.CAP_PROP_ORIENTATION_META)
    return how_turned(f"its pictures by {turn_deg:g} deg") if turn_deg else ""


def _cut_off(num_decoded: int, num_stated: float) -> str:
    """Return that many frames cannot be decoded, or an empty string."""
    if not num_decoded < _WHOLE_SHARE * num_stated < _MAX_FRAMES:
        return ""
    return (
        f"{num_decoded} of about {num_stated:.0f} frames can be decoded: the file is damaged "
        "behind them; copy it again"
    )


def _why_not(path: Path) -> str:
    """Return why a file is no video that can be decoded."""
    data = path.read_bytes()
    if not data:
        return "the file is empty"
    if b"ftyp" in data[:16] and b"moov" not in data:
        return (
            "its index (moov) is missing, as of a recording that was cut off: copy it again, or "
            "repair it with a tool such as untrunc"
        )
    return "broken, or a codec is missing"


def _are_times(times_ns: Index) -> bool:
    """Return whether the times of frames are some: growing from one to the next."""
    return len(times_ns) == 1 or bool((np.diff(times_ns) > 0).all())


def _remarks(times_ns: Index, has_times: bool, rate_hz: float) -> list[str]:
    """Return what is to be said of the stamps."""
    if not _are_times(times_ns):
        return [f"the file holds no times of its frames: they are counted at {rate_hz:g} Hz"]
    steps_ns = np.diff(times_ns)
    if has_times or not len(steps_ns) or steps_ns.max() < 1.5 * steps_ns.min():
        return []
    return [
        f"the rate of the video varies, from {1e9 / steps_ns.max():.1f} to "
        f"{1e9 / steps_ns.min():.1f} Hz, and its frames are counted at {rate_hz:g} Hz: without "
        "a rate the times of the container count"
    ]
