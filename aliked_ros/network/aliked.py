"""The four variants of ALIKED: encoder, detection and description in one network."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from aliked_ros.config import MODELS
from aliked_ros.network.blocks import fold_batch_norm
from aliked_ros.network.dkd import Detections, detect
from aliked_ros.network.encoder import Channels, Encoder
from aliked_ros.network.sddh import SDDH

_SMALL = Channels(8, 16, 32, 64)
_NORMAL = Channels(16, 32, 64, 128)
_VARIANTS = {  # channels, sample positions of a descriptor
    "aliked-t16": (_SMALL, 16),
    "aliked-n16": (_NORMAL, 16),
    "aliked-n16rot": (_NORMAL, 16),
    "aliked-n32": (_NORMAL, 32),
}


class ALIKED(Encoder):
    """An image in, keypoints with descriptors out; differentiable.

    The parameters carry the names of the authors' released files.

    Args:
        model: one of `aliked_ros.config.MODELS`.
        num_samples: sample positions of a descriptor; None: those of the released model.
    """

    def __init__(self, model: str, num_samples: int | None = None) -> None:
        if model not in _VARIANTS:
            raise ValueError(f"model is {model!r}: must be one of {', '.join(MODELS)}")
        channels, released_samples = _VARIANTS[model]
        super().__init__(channels)
        self.model = model
        self.desc_head = SDDH(self.dim, num_samples or released_samples)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_seed(cls, model: str, seed: int) -> ALIKED:
        """Return an untrained network whose parameters depend on the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(model)

    def forward(
        self, image: Tensor, max_keypoints: int = 1000, detection_threshold: float = 0.2
    ) -> tuple[Detections, Tensor]:
        """Detect and describe the keypoints of images of one size.

        Args:
            image: (B, 3, H, W) float, RGB in [0, 1].
            max_keypoints: keep at most this many per image, highest peaks first.
            detection_threshold: score-map value that a peak must exceed.

        Returns:
            detections: B images with K keypoints each, `is_valid` telling filling apart.
            descriptors: (B, K, dim) float32, unit rows.
        """
        pyramid, score_map = self.encode(image)
        detections = detect(score_map, max_keypoints, detection_threshold)
        return detections, self.desc_head(pyramid, detections.keypoints)

    def fuse(self) -> ALIKED:
        """Return a copy for inference: batch norm folded into the convolutions, no gradients."""
        network = deepcopy(self).eval().requires_grad_(False)
        for block in (network.block1, network.block2, network.block3, network.block4):
            fold_batch_norm(block)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
