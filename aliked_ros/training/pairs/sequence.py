"""Pairs from a recorded or rendered RGB-D sequence with ground-truth poses."""

from __future__ import annotations

import cv2
import numpy as np

from aliked_ros.datasets import DatasetError, FrameError, Sequence
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project_raw, to_plane
from aliked_ros.structs import Camera, Floats
from aliked_ros.training.pairs.depth import (
    DepthPairOptions,
    DepthView,
    UnreadableError,
    draw_usable,
)
from aliked_ros.training.pairs.pair import TrainingPair, draw_frames


class SequencePairs:
    """Draws two frames of a sequence that are some frames apart.

    Example:
        room = open_sequence("synthetic")
        pair = SequencePairs(room, (5, 30), options).draw(np.random.default_rng(0))
    """

    def __init__(
        self, sequence: Sequence, frame_distance: tuple[int, int], options: DepthPairOptions
    ) -> None:
        """Check what the sequence holds.

        Args:
            sequence: of any layout that serves "rgbd" and has ground truth and a camera; images of
                a distorted camera are straightened.
            frame_distance: least and greatest number of frames between the two, both included.
            options: how two frames become a pair; depth is in metres.

        Raises:
            DatasetError: (a ValueError) what the sequence lacks.
        """
        sequence.require("rgbd")
        camera = sequence.require_camera()
        if sequence.ground_truth is None:
            raise DatasetError(
                f"{sequence.name} ({sequence.layout}) has no ground-truth poses: pairs with depth "
                "need the pose of both frames"
            )
        low, high = frame_distance
        if not 1 <= low <= high or low >= len(sequence):
            raise DatasetError(
                f"frame_distance is {frame_distance} for the {len(sequence)} frames of "
                f"{sequence.name} ({sequence.layout}): give 1 <= least <= greatest, and a least "
                "one below the number of frames"
            )
        self._sequence = sequence
        self._distance = (low, min(high, len(sequence) - 1))
        self._options = options
        self._K = camera.K
        self._straightened = _straightening_map(camera)

    def draw(self, generator: np.random.Generator) -> TrainingPair:
        """Return a pair; frames that cannot be read are named in it.

        Raises:
            ValueError: no two frames of the sequence make a pair.
        """
        source = f"{self._sequence.name} ({self._sequence.layout})"
        return draw_usable(self._draw_views, self._options, generator, source)

    def _draw_views(self, generator: np.random.Generator) -> tuple[DepthView, DepthView] | None:
        indices = draw_frames(generator, len(self._sequence), self._distance)
        view0, view1 = (self.view(index) for index in indices)
        return None if view0 is None or view1 is None else (view0, view1)

    def view(self, index: int) -> DepthView | None:
        """Return a frame as a pinhole view, or None where it has no pose.

        Raises:
            UnreadableError: for a broken frame.
        """
        try:
            frame = self._sequence.read(index, "rgbd")
        except FrameError as error:
            raise UnreadableError(error.reason) from error
        if frame.T_world_camera is None or frame.depth_m is None:
            return None
        image, depth_m = frame.image, np.nan_to_num(frame.depth_m, nan=0, posinf=0, neginf=0)
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
        if self._straightened is not None:
            image = cv2.remap(image, self._straightened, None, cv2.INTER_LINEAR)
            # Between two depths there is none: a mean would hang in the air before the wall.
            depth_m = cv2.remap(depth_m, self._straightened, None, cv2.INTER_NEAREST)
        return DepthView(image, depth_m, self._K, se3.inverse(frame.T_world_camera))


def _straightening_map(camera: Camera) -> Floats | None:
    """Return (H, W, 2), where each pixel of a pinhole of the same K lies in the raw image."""
    if not camera.D.any() and camera.distortion_model != "equidistant":
        return None
    x, y = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = to_plane(np.column_stack([x.ravel(), y.ravel()]).astype(np.float64), camera.K)
    raw = project_raw(np.column_stack([rays, np.ones(len(rays))]), camera)
    return raw.reshape(camera.height, camera.width, 2).astype(np.float32)
