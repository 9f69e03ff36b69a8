"""ALIKED as one graph of standard operators, whose shapes depend on the image's size alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.dkd import refine_at, sample_score, suppress_by_pooling
from aliked_ros.network.encoder import STRIDE
from aliked_ros.network.pyramid import FeaturePyramid


class ExportableALIKED(nn.Module):
    """What `ALIKED.forward` computes, without a branch on a value or an edit in place.

    Args:
        network: `ALIKED.fuse` or `for_tensorrt` made it.
        max_keypoints: K, rows of every output; at most the number of pixels.
        detection_threshold: score-map value that a peak must exceed.
    """

    def __init__(self, network: ALIKED, max_keypoints: int, detection_threshold: float) -> None:
        super().__init__()
        self.network = network
        self.max_keypoints = max_keypoints
        self.detection_threshold = detection_threshold

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Detect and describe the keypoints of images of one size.

        Args:
            image: (B, 3, H, W) float32, RGB in [0, 1].

        Returns:
            keypoints: (B, K, 2) float32, px, (x, y), best score first.
            scores: (B, K) float32 in [0, 1]; 0 in the rows that are filling.
            descriptors: (B, K, dim) float32, unit rows.
            num_keypoints: (B,) int32, how many of the K rows are keypoints; the others, behind
                them, are filling.
        """
        height, width = image.shape[2:]
        top, left = -height % STRIDE // 2, -width % STRIDE // 2
        padded = _pad(_pad(image, 2), 3)
        pyramid, score_map = self.network.encode(padded)
        score_map = _crop(_crop(score_map, 1, top, height), 2, left, width)
        keypoints, scores, num_keypoints = self._detect(score_map)
        pyramid = FeaturePyramid(pyramid.levels, (height, width), (left, top))
        return keypoints, scores, self.network.desc_head(pyramid, keypoints), num_keypoints

    def _detect(self, score_map: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Do what `dkd.detect` does, with K rows always."""
        heights, index = suppress_by_pooling(score_map).flatten(1).topk(self.max_keypoints)
        is_valid = heights > self.detection_threshold
        keypoints, _ = refine_at(score_map, *_columns_and_rows(index, score_map.shape[2]))
        scores = sample_score(score_map, keypoints) * is_valid
        # Keypoints in front of filling, even where the refined score is 0.
        order = torch.where(is_valid, scores, -1.0).topk(self.max_keypoints).indices
        keypoints = keypoints.gather(1, order.unsqueeze(-1).expand(-1, -1, 2))
        return keypoints, scores.gather(1, order), is_valid.sum(dim=1).to(torch.int32)


def _columns_and_rows(index: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Return x and y, float32, of pixel numbers (B, K) int64.

    The quotient of whole numbers would become an operator on booleans that TensorRT's list lacks.
    """
    column = index % torch.full_like(index, width)
    # Off by less than 0.01 before it is rounded: rows are fewer than 2^16.
    return column.float(), ((index - column).float() / width).round()


# A size that is left open until the file runs is a SymInt, no int: then nothing may be skipped.


def _pad(image: Tensor, axis: int) -> Tensor:
    """Repeat the borders of an axis until its length is a multiple of STRIDE, as `encode` does."""
    size = image.shape[axis]
    # Rounded up in this form, later halvings of the length are known to leave no remainder.
    padded = (size + STRIDE - 1) // STRIDE * STRIDE
    if isinstance(padded, int) and padded == size:
        return image
    # TensorRT's list has no clip of whole numbers.
    source = torch.arange(padded, device=image.device, dtype=torch.float32) - -size % STRIDE // 2
    return image.index_select(axis, source.clamp(0, size - 1).long())


def _crop(tensor: Tensor, axis: int, first: int, size: int) -> Tensor:
    if isinstance(size, int) and tensor.shape[axis] == size:
        return tensor
    return tensor.index_select(axis, torch.arange(size, device=tensor.device) + first)
