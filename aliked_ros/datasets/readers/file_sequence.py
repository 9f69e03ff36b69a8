"""A sequence whose pictures are image files, one path per frame and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.image_files import read_image
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.sequence import Calibration, FrameError, Pictures, Sequence
from aliked_ros.images.errors import ImageError
from aliked_ros.images.grey_range import GreyRange
from aliked_ros.structs import AnyArray, Floats, Index, Pixels


@dataclass(frozen=True)
class Files:
    """Paths of each frame; a partner is None where the instant has none."""

    images: Listed[Path]
    right_images: Listed[Path | None] = ()
    depths: Listed[Path | None] = ()


class FileSequence(Sequence):
    """Reads the files of a frame when the frame is asked for."""

    def __init__(
        self,
        name: str,
        stamps_ns: Index,
        files: Files,
        calibration: Calibration,
        options: Options,
        *,
        ground_truth: GroundTruth | None = None,
        has_stamps: bool = True,
        remarks: Iterable[str] = (),
    ) -> None:
        sensors = ["mono"]
        num_right = sum(file is not None for file in files.right_images)
        if num_right and calibration.right_camera is not None:
            sensors.append("stereo")
        elif num_right:
            why = calibration.right_problem or "nothing calibrates the right camera"
            remarks = [*remarks, f"the {num_right} right images are not used: {why}"]
        if any(files.depths):
            sensors.append("rgbd")
        self._files = files
        self.grey_range: GreyRange = GreyRange(options.grey_range)
        self._max_megapixels = options.max_megapixels
        self._depth_scale = options.depth_scale
        super().__init__(
            name,
            stamps_ns,
            calibration,
            sensors=tuple(sensors),
            ground_truth=ground_truth,
            has_stamps=has_stamps,
            remarks=remarks,
        )

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        try:
            image = read_image(self._files.images[index], self.grey_range, self._max_megapixels)
        except ImageError as error:
            raise FrameError(index, str(error)) from error
        right = self._files.right_images[index] if with_right else None
        depth = self._files.depths[index] if with_depth else None
        return Pictures(
            image, self._partner(self._read_right, right), self._partner(self._read_depth, depth)
        )

    def _partner(self, read: Callable[[Path], AnyArray], path: Path | None) -> Any:
        """Return the right or depth image of a frame, None where it is missing or broken."""
        try:
            return None if path is None else read(path)
        except ImageError as error:
            self._leave_out(str(error))
            return None

    def _read_right(self, path: Path) -> Pixels:
        return read_image(path, self.grey_range.held(), self._max_megapixels)

    def _read_depth(self, path: Path) -> Floats:
        """Return the (H, W) float32 metres of a depth file, NaN where unknown."""
        raise NotImplementedError(f"layout {self.layout} has no depth files; asked for {path}")
