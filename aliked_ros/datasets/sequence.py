"""The contract of every dataset: a stream of stamped frames with calibration and ground truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.stamps import ns_to_seconds
from aliked_ros.structs import Array, Camera, Floats, Frame, Index, Pixels

if TYPE_CHECKING:
    from aliked_ros.images.grey_range import GreyRange


class DatasetError(ValueError):
    """A sequence that cannot be served; the text says what was looked for and what to do."""


class FrameError(RuntimeError):
    """One frame that cannot be read; the sequence continues without it.

    Attributes:
        index: position of the frame in its sequence.
        reason: what is wrong, with the file's name.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"frame {index}: {reason}")
        self.index = index
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Pictures:
    """What one frame holds: the image, its stereo partner and its depth, as in Frame."""

    image: Pixels
    right_image: Pixels | None = None
    depth_m: Floats | None = None
    depth_offset_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """The cameras of a sequence.

    Attributes:
        camera: the (left) camera, or None where nothing calibrates it.
        right_camera: the stereo partner, or None.
        T_left_right: (4, 4) metres, takes right-camera coordinates to left-camera coordinates;
            None for a rectified pair, the P of whose cameras tell the baseline.
        problem: why there is no camera although there is a calibration, or empty.
        right_problem: likewise of the right one.
    """

    camera: Camera | None = None
    right_camera: Camera | None = None
    T_left_right: Array | None = None
    problem: str = ""
    right_problem: str = ""


class Sequence(ABC):
    """A recorded or rendered run of a camera.

    Attributes:
        layout: name of the folder layout, a key of datasets.LAYOUTS.
        name: name of the sequence, for titles and reports.
        stamps_ns: (N,) int64, nanoseconds, strictly increasing.
        has_stamps: whether the stamps were recorded; False means counted out at a rate.
        sensors: which of "mono", "stereo" and "rgbd" it can serve.
        camera, right_camera, T_left_right: as in Calibration.
        ground_truth: poses of the (left) camera, or None.
        remarks: what was left out, replaced or guessed when it was opened, a sentence each.
        grey_range: which values of 16-bit images became black and white; None: of 8 bits anyway.
        left_out: why right and depth images were left out of frames so far -> how many.
    """

    layout: ClassVar[str]
    grey_range: GreyRange | None = None

    def __init__(
        self,
        name: str,
        stamps_ns: Index,
        calibration: Calibration,
        *,
        sensors: tuple[str, ...] = ("mono",),
        ground_truth: GroundTruth | None = None,
        has_stamps: bool = True,
        remarks: Iterable[str] = (),
    ) -> None:
        if len(stamps_ns) == 0:
            raise DatasetError(f"{name} ({self.layout}) holds no frames")
        if np.any(np.diff(stamps_ns) <= 0):
            worst = int(np.argmax(np.diff(stamps_ns) <= 0)) + 1
            before_s, after_s = (ns_to_seconds(int(stamps_ns[i])) for i in (worst - 1, worst))
            raise DatasetError(
                f"{name} ({self.layout}): the stamp of frame {worst}, {after_s} s, is not after "
                f"that of frame {worst - 1}, {before_s} s; sort the list of images by time and "
                "drop duplicates"
            )
        self.name = name
        self.stamps_ns = stamps_ns
        self.has_stamps = has_stamps
        self.sensors = sensors
        self.camera = calibration.camera
        self.right_camera = calibration.right_camera
        self.T_left_right = calibration.T_left_right
        self.ground_truth = ground_truth
        self.remarks = tuple(filter(None, remarks))
        self.left_out: Counter[str] = Counter()
        self._problem, self._right_problem = calibration.problem, calibration.right_problem

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def read(self, index: int, sensor: str | None = None) -> Frame:
        """Return one frame.

        Args:
            index: position in the sequence, 0 <= index < len.
            sensor: loads what "mono", "stereo" or "rgbd" needs; None loads what there is.

        Raises:
            IndexError: outside the sequence.
            FrameError: a file is missing, broken or of another size than its camera. A partner
                that is missing at this instant is None.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {self.name}, which has {len(self)}")
        with_right = "stereo" in self.sensors and sensor in (None, "stereo")
        with_depth = "rgbd" in self.sensors and sensor in (None, "rgbd")
        pictures = self._load(index, with_right, with_depth)
        pictures = self._fitting(index, pictures)
        stamp_ns = int(self.stamps_ns[index])
        return Frame(
            stamp_ns,
            pictures.image,
            pictures.right_image,
            pictures.depth_m,
            None if self.ground_truth is None else self.ground_truth.at(stamp_ns),
            pictures.depth_offset_s,
        )

    def frames(
        self,
        sensor: str | None = None,
        *,
        start: int = 0,
        limit: int | None = None,
        on_error: Callable[[FrameError], None] | None = None,
    ) -> Iterator[Frame]:
        """Yield frames in order, reading one ahead of the consumer.

        Args:
            sensor: as in read; it must be one of `sensors`.
            start: first frame.
            limit: at most this many frames, broken ones included; None: all.
            on_error: called with each broken frame, which is then skipped; None: raise it.
        """
        self.require(sensor)
        stop = len(self) if limit is None else min(len(self), start + limit)
        with ThreadPoolExecutor(1, "read_ahead") as reader:
            ahead = reader.submit(self.read, start, sensor) if start < stop else None
            for index in range(start, stop):
                assert ahead is not None
                current = ahead
                if index + 1 < stop:
                    ahead = reader.submit(self.read, index + 1, sensor)
                try:
                    frame = current.result()
                except FrameError as error:
                    if on_error is None:
                        raise
                    on_error(error)
                    continue
                yield frame

    def require(self, sensor: str | None) -> None:
        """Raise DatasetError if the sequence cannot serve the sensor."""
        if sensor is not None and sensor not in self.sensors:
            why = f": {self._right_problem}" if sensor == "stereo" and self._right_problem else ""
            raise DatasetError(
                f"{self.name} ({self.layout}) serves {', '.join(self.sensors)}; "
                f"sensor {sensor!r} was asked for{why}"
            )

    @property
    def best_sensor(self) -> str:
        """The sensor that measures most of those that the sequence serves."""
        return next(sensor for sensor in ("rgbd", "stereo", "mono") if sensor in self.sensors)

    def require_camera(self) -> Camera:
        """Return the camera; raise DatasetError, saying what to do, where there is none."""
        if self.camera is None and self._problem:
            raise DatasetError(f"{self.name} ({self.layout}): {self._problem}")
        if self.camera is None:
            raise DatasetError(
                f"{self.name} ({self.layout}) has no calibration: put a camera_info.yaml "
                "(ROS camera_calibration format) into its folder or pass one with --camera-info"
            )
        return self.camera

    def doubt_of_depth(self, depth_m: Floats) -> str:
        """Return what is odd for this layout about a depth image (H, W), m, or an empty string."""
        return ""

    @abstractmethod
    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        """Read the files of one frame; FrameError where that fails."""

    def _leave_out(self, reason: str) -> None:
        """Count a right or depth image that its frame comes without."""
        self.left_out[reason] += 1

    def _fitting(self, index: int, pictures: Pictures) -> Pictures:
        """Return the pictures that have the size of the camera; FrameError if the image has not."""
        wrong = self._wrong_size("image", pictures.image, pictures.image)
        if wrong:
            raise FrameError(index, f"{wrong}: give the calibration of these images")
        wrong = self._wrong_size("right image", pictures.right_image, pictures.image)
        if wrong:
            self._leave_out(f"{wrong}: give images of one size")
            pictures = replace(pictures, right_image=None)
        wrong = self._wrong_size("depth image", pictures.depth_m, pictures.image)
        if wrong:
            self._leave_out(f"{wrong}: register the depth to the image")
            pictures = replace(pictures, depth_m=None)
        return pictures

    def _wrong_size(self, what: str, picture: Pixels | Floats | None, image: Pixels) -> str:
        """Return how a picture contradicts the camera, or the image where there is none."""
        height, width = image.shape[:2]
        source = "the image is"
        if self.camera is not None:
            height, width, source = self.camera.height, self.camera.width, "the calibration is for"
        if picture is None or picture.shape[:2] == (height, width):
            return ""
        found = f"{picture.shape[1]}x{picture.shape[0]}"
        return f"the {what} is {found}, {source} {width}x{height}"
