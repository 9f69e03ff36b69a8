"""What the forms of a network have in common: pixels to detections, and images to features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from aliked_ros.network.dkd import Detections
from aliked_ros.structs import Features, Image


class NetworkInference(Protocol):
    """Pixels in, keypoints with descriptors out, without gradients.

    Attributes:
        name: how the network is run, for the log.
    """

    name: str

    def __call__(
        self, pixels: Tensor, max_keypoints: int, detection_threshold: float
    ) -> tuple[Detections, Tensor]:
        """Detect and describe the keypoints of images of one size.

        Args:
            pixels: (B, H, W, 1 or 3) uint8, grey or RGB, on the network's device.
            max_keypoints: keep at most this many per image, highest peaks first.
            detection_threshold: score-map value that a peak must exceed.

        Returns:
            What `ALIKED.forward` returns; valid until the next call.
        """


class Inference(Protocol):
    """Images in, features out.

    Attributes:
        name: how the network is run, for the log.
        left_out: stage -> why plain torch does it although there is a kernel for it.
    """

    name: str
    left_out: dict[str, str]

    def __call__(
        self, images: Sequence[Image], max_keypoints: int, detection_threshold: float
    ) -> list[Features]:
        """Return the features of images of one shape, on the network's device.

        Waits for the device once, when everything has arrived in host memory too.

        Args:
            images: (H, W) or (H, W, 3) uint8, in host memory or on the device.
            max_keypoints: keep at most this many per image, highest peaks first.
            detection_threshold: score-map value that a peak must exceed.
        """
