"""The nouns: types of arrays; features, matches, cameras and frames as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, device

AnyArray: TypeAlias = NDArray[Any]
Array: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[np.float32]
Index: TypeAlias = NDArray[np.int64]  # positions (K,), or pairs of positions (K, 2)
Mask: TypeAlias = NDArray[np.bool_]
Pixels: TypeAlias = NDArray[np.uint8]  # (H, W) grey or (H, W, 3) RGB
Image: TypeAlias = "Pixels | Tensor"  # the same, in host memory or on a device

DISTORTION_MODELS = ("none", "plumb_bob", "rational_polynomial", "equidistant")


@dataclass(frozen=True, eq=False)
class Features:
    """The keypoints of one image with their descriptors, best score first.

    Attributes:
        keypoints: (N, 2) float32, px, (x, y); (0, 0) is the centre of the top-left pixel.
        scores: (N,) float32 in [0, 1], score map sampled at the refined keypoint.
        dispersity: (N,) float32 in [0, 1]; 0 is a sharp score peak, 1 a flat one.
        descriptors: (N, D) float32, unit rows.
        image_size: (height, width) of the image, px.
        on_host: the same features in host memory, if they were downloaded already.
    """

    keypoints: Tensor
    scores: Tensor
    dispersity: Tensor
    descriptors: Tensor
    image_size: tuple[int, int]
    on_host: Features | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return int(self.keypoints.shape[0])

    def to(self, target: str | device) -> Features:
        """Return the same features on another device; no copy if they are there already."""
        if self.on_host is not None and str(target).partition(":")[0] == "cpu":
            return self.on_host
        keypoints = self.keypoints.to(target)
        if keypoints is self.keypoints:
            return self
        return Features(
            keypoints,
            self.scores.to(target),
            self.dispersity.to(target),
            self.descriptors.to(target),
            self.image_size,
            self if self.keypoints.device.type == "cpu" else self.on_host,
        )

    def select(self, index: Tensor) -> Features:
        """Return the features at `index`: (M,) int64 positions or (N,) bool mask, on any device.

        An index in host memory waits for nothing.
        """
        on_host = None if self.on_host is None else self.on_host.select(index.cpu())
        index = index.to(self.keypoints.device)
        return Features(
            self.keypoints[index],
            self.scores[index],
            self.dispersity[index],
            self.descriptors[index],
            self.image_size,
            on_host,
        )


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of keypoints of image 0 and image 1, one-to-one, sorted by the index in image 0.

    Attributes:
        indices: (K, 2) int64; row (i, j) pairs keypoint i of image 0 with j of image 1.
        similarities: (K,) float32, cosine similarity of each pair in [-1, 1]; with LightGlue its
            score in (0.1, 1].
    """

    indices: Tensor
    similarities: Tensor

    def __len__(self) -> int:
        return int(self.indices.shape[0])


def _identity() -> Array:
    return np.eye(3)


@dataclass(frozen=True, eq=False)
class Camera:
    """A calibrated camera with the meaning of sensor_msgs/CameraInfo.

    A raw pixel is undistorted by (K, D), turned by R into the rectified frame and projected by P.

    Attributes:
        width: image width, px.
        height: image height, px.
        K: (3, 3) intrinsics of the raw image, px.
        distortion_model: one of DISTORTION_MODELS (OpenCV's formulas, REP 104's names).
        D: distortion coefficients of the model, dimensionless; empty for "none".
        R: (3, 3) R_rectified_camera; identity for a single camera.
        P: (3, 4) projection of the rectified image, px. P[0, 3] is -fx times where the camera is
            along x, metres, in the frame that the cameras of a rectified pair share; only the
            difference of the two counts. None means [K | 0].
    """

    width: int
    height: int
    K: Array
    distortion_model: str = "none"
    D: Array = field(default_factory=lambda: np.zeros(0))
    R: Array = field(default_factory=_identity)
    P: Array | None = None

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"camera size is {self.width}x{self.height}: both must be positive")
        if self.K.shape != (3, 3) or not np.isfinite(self.K).all():
            raise ValueError(f"camera matrix K is {self.K.tolist()}: give 3x3 finite numbers")
        for name, values in (("D", self.D), ("R", self.R), ("P", self.P)):
            if values is not None and not np.isfinite(values).all():
                raise ValueError(f"camera {name} is {values.tolist()}: give finite numbers")
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise ValueError(
                f"focal length is {self.K[0, 0]}, {self.K[1, 1]} px: the camera is not "
                "calibrated; publish or pass a camera_info with positive K[0] and K[4]"
            )
        if self.distortion_model not in DISTORTION_MODELS:
            raise ValueError(
                f"distortion_model is {self.distortion_model!r}: use one of "
                f"{', '.join(DISTORTION_MODELS)}"
            )

    @property
    def K_rectified(self) -> Array:
        """(3, 3) intrinsics of the rectified pinhole, px."""
        return self.K if self.P is None else self.P[:, :3]

    @property
    def is_distorted(self) -> bool:
        """Whether raw pixels differ from rectified ones."""
        same_projection = self.P is None or np.array_equal(self.P[:, :3], self.K)
        # An equidistant lens bends straight lines even where all its coefficients are 0.
        bends = bool(np.any(self.D)) or self.distortion_model == "equidistant"
        return bends or not np.allclose(self.R, np.eye(3)) or not same_projection


@dataclass(frozen=True, eq=False)
class Frame:
    """One instant of a dataset.

    Attributes:
        stamp_ns: nanoseconds, strictly increasing within a sequence.
        image: (H, W) grey or (H, W, 3) RGB, uint8.
        right_image: the stereo partner in the same form, or None.
        depth_m: (H, W) float32, metres along the optical axis, NaN where unknown, or None.
        depth_offset_s: stamp of the depth minus that of the image, s.
        T_world_camera: (4, 4) ground truth of the (left) camera's optical frame, or None.
    """

    stamp_ns: int
    image: Pixels
    right_image: Pixels | None = None
    depth_m: Floats | None = None
    T_world_camera: Array | None = None
    depth_offset_s: float = 0.0
