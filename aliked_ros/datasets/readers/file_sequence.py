"""A sequence whose pictures are image files, one path per frame and kind."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path

from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.image_files import read_image
from aliked_ros.datasets.sequence import Calibration, FrameError, Pictures, Sequence
from aliked_ros.images import ImageError
from aliked_ros.structs import Floats, Index


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
        *,
        ground_truth: GroundTruth | None = None,
        has_stamps: bool = True,
    ) -> None:
        sensors = ["mono"]
        if any(files.right_images) and calibration.right_camera is not None:
            sensors.append("stereo")
        if any(files.depths):
            sensors.append("rgbd")
        self._files = files
        super().__init__(
            name,
            stamps_ns,
            calibration,
            sensors=tuple(sensors),
            ground_truth=ground_truth,
            has_stamps=has_stamps,
        )

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        right = self._files.right_images[index] if with_right else None
        depth = self._files.depths[index] if with_depth else None
        try:
            return Pictures(
                read_image(self._files.images[index]),
                None if right is None else read_image(right),
                None if depth is None else self._read_depth(depth),
            )
        except ImageError as error:
            raise FrameError(index, str(error)) from error

    def _read_depth(self, path: Path) -> Floats:
        """Return the (H, W) float32 metres of a depth file, NaN where unknown."""
        raise NotImplementedError(f"layout {self.layout} has no depth files; asked for {path}")
