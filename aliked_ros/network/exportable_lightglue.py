"""LightGlue as one graph of standard operators, whose shapes depend on the numbers of points."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.lightglue_layers import positions_of


class ExportableLightGlue(nn.Module):
    """What `LightGlue` computes of one pair with all layers.

    Args:
        network: on the CPU.
    """

    def __init__(self, network: LightGlue) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        keypoints0: Tensor,
        descriptors0: Tensor,
        image_size0: Tensor,
        keypoints1: Tensor,
        descriptors1: Tensor,
        image_size1: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Find the partners of the keypoints of image 0.

        Args:
            keypoints0: (1, N, 2) float32, px, (x, y); N > 0.
            descriptors0: (1, N, D) float32, unit rows.
            image_size0: (2,) int64, height and width of the image, px.
            keypoints1: (1, M, 2), M > 0.
            descriptors1: (1, M, D).
            image_size1: (2,).

        Returns:
            matches0: (1, N) int64, the keypoint of image 1 that is the partner; -1: there is none.
            scores0: (1, N) float32, the score of the match; 0 where there is none.
        """
        positions0, positions1 = (
            positions_of(keypoints[0], image_size.flip(0).float())
            for keypoints, image_size in ((keypoints0, image_size0), (keypoints1, image_size1))
        )
        best1, scores, is_pair = self.network.choose(
            positions0, descriptors0[0], positions1, descriptors1[0]
        )
        matches0 = torch.where(is_pair, best1, -1)
        return matches0.unsqueeze(0), (scores * is_pair).unsqueeze(0)
