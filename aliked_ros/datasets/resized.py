"""A sequence at another image size, its calibration carried along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2

from aliked_ros.datasets.sequence import Calibration, DatasetError, Pictures, Sequence
from aliked_ros.geometry.calibration import resize
from aliked_ros.structs import AnyArray, Camera, Floats

MIN_WIDTH = 32


class ResizedSequence(Sequence):
    """Wraps a sequence whose images are made smaller as they are read.

    Args:
        inner: the sequence at its own size.
        width: of the new images, px; their height follows.

    Raises:
        DatasetError: if the images are no larger than that.
    """

    def __init__(self, inner: Sequence, width: int) -> None:
        own = inner.camera.width if inner.camera else inner.read(0, "mono").image.shape[1]
        if not MIN_WIDTH <= width <= own:
            raise DatasetError(
                f"image_width is {width}: images of {inner.name} are {own} px wide; give "
                f"{MIN_WIDTH} to {own}"
            )
        self._inner, self._width = inner, width
        self.layout = inner.layout  # type: ignore[misc]  # that of the files
        super().__init__(
            inner.name,
            inner.stamps_ns,
            Calibration(
                self._camera(inner.camera), self._camera(inner.right_camera), inner.T_left_right
            ),
            sensors=inner.sensors,
            ground_truth=inner.ground_truth,
            has_stamps=inner.has_stamps,
            remarks=inner.remarks,
        )
        self.left_out = inner.left_out
        self.grey_range = inner.grey_range

    def require_camera(self) -> Camera:
        """Return the camera; raise DatasetError, saying what to do, where there is none."""
        self._inner.require_camera()
        return super().require_camera()

    def doubt_of_depth(self, depth_m: Floats) -> str:
        """Return what is odd for this layout about a depth image (H, W), m, or an empty string."""
        return self._inner.doubt_of_depth(depth_m)

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        pictures = self._inner._fitting(index, self._inner._load(index, with_right, with_depth))
        right, depth_m = pictures.right_image, pictures.depth_m
        return replace(
            pictures,
            image=self._shrink(pictures.image, cv2.INTER_AREA),
            right_image=None if right is None else self._shrink(right, cv2.INTER_AREA),
            # Between two depths lies none that the camera saw.
            depth_m=None if depth_m is None else self._shrink(depth_m, cv2.INTER_NEAREST),
        )

    def _shrink(self, picture: AnyArray, how: int) -> Any:
        return cv2.resize(picture, self._size(*picture.shape[1::-1]), interpolation=how)

    def _camera(self, camera: Camera | None) -> Camera | None:
        return camera and resize(camera, self._size(camera.width, camera.height))

    def _size(self, width: int, height: int) -> tuple[int, int]:
        return self._width, round(height * self._width / width)
