"""A rendered room as a sequence: exact poses, intrinsics, a right view, exact or noisy depth."""

from __future__ import annotations

import numpy as np

from aliked_ros.datasets import stamps
from aliked_ros.datasets.camera_files import rectified_partner
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.sequence import Calibration, Pictures, Sequence
from aliked_ros.structs import Array, Camera, Floats, Pixels
from aliked_ros.synthetic.depth_noise import KINECT_NOISE, add_depth_noise
from aliked_ros.synthetic.path import pose_at
from aliked_ros.synthetic.renderer import Renderer
from aliked_ros.synthetic.scene import build_room

BASELINE_M = 0.12  # distance of the right camera


def open_room(seed: int, *, is_noisy: bool) -> SyntheticRoom:
    """Return the room of a seed with exact depth, or with the noise of a Kinect in it."""
    return SyntheticRoom(seed, depth_noise=KINECT_NOISE if is_noisy else 0.0)


class SyntheticRoom(Sequence):
    """Renders each frame when it is asked for; the same seed gives the same pixels.

    Args:
        seed: decides surfaces, furniture and where the walk starts.
        width: columns of an image.
        height: rows of an image.
        num_frames: a lap takes 20 s, that is 300 frames at 15 Hz.
        rate_hz: frames per second of the walk.
        texels_per_m: detail of the surfaces; less is quicker to build.
        depth_noise: standard deviation of 1 / depth in the depth images, 1/m; 0: exact depth.

    Example:
        room = SyntheticRoom(seed=0, num_frames=30)
        frame = room.read(0)  # image (480, 640, 3), right_image, depth_m (480, 640), pose
    """

    layout = "synthetic"

    def __init__(
        self,
        seed: int = 0,
        width: int = 640,
        height: int = 480,
        *,
        num_frames: int = 300,
        rate_hz: float = 15.0,
        texels_per_m: float = 160.0,
        depth_noise: float = 0.0,
    ) -> None:
        focal_px = 0.8 * width
        K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
        camera = Camera(width, height, K)
        stamps_ns = stamps.at_rate(num_frames, rate_hz)
        start = float(np.random.default_rng(seed).uniform()) if seed else 0.0
        T_world_camera = np.array([pose_at(stamp_ns * 1e-9, start) for stamp_ns in stamps_ns])
        super().__init__(
            f"room{seed}" + ("-noisy" if depth_noise else ""),
            stamps_ns,
            Calibration(camera, rectified_partner(camera, BASELINE_M)),
            sensors=("mono", "stereo", "rgbd"),
            ground_truth=GroundTruth(stamps_ns, T_world_camera),
        )
        self._K = K
        self._size = (height, width)
        self._T_left_right = np.eye(4)
        self._T_left_right[0, 3] = BASELINE_M
        self._seed = seed
        self._depth_noise = depth_noise
        self._poses = T_world_camera
        self._renderer = Renderer(build_room(seed, texels_per_m))

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        T_world_left = self._poses[index]
        return Pictures(
            self._image(T_world_left),
            self._image(T_world_left @ self._T_left_right) if with_right else None,
            self._depth_m(index) if with_depth else None,
        )

    def _depth_m(self, index: int) -> Floats:
        depth_m = self._renderer.depth_m(self._poses[index], self._K, self._size)
        if self._depth_noise == 0:
            return depth_m
        # A frame that is read again, or out of order, has the same noise.
        generator = np.random.default_rng((self._seed, index))
        return add_depth_noise(depth_m, self._depth_noise, generator)

    def _image(self, T_world_camera: Array) -> Pixels:
        return self._renderer.image(T_world_camera, self._K, self._size)
