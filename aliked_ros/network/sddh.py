"""Feature pyramid and keypoints to descriptors (Sparse Deformable Descriptor Head)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aliked_ros.network.pyramid import FeaturePyramid
from aliked_ros.network.sampling import at_least_float32, last, weighted_rows

PATCH = 3  # px, side of the patch that the sample positions are predicted from


class SDDH(nn.Module):
    """Describe each keypoint from learned sample positions around it.

    Args:
        dim: channels of the features and of the descriptors.
        num_samples: sample positions per keypoint.
    """

    def __init__(self, dim: int, num_samples: int) -> None:
        super().__init__()
        self.num_samples = num_samples
        self.offset_conv = nn.Sequential(
            nn.Conv2d(dim, 2 * num_samples, PATCH),
            nn.SELU(inplace=True),
            nn.Conv2d(2 * num_samples, 2 * num_samples, 1),
        )
        self.sf_conv = nn.Conv2d(dim, dim, 1, bias=False)
        self.agg_weights = nn.Parameter(torch.empty(num_samples, dim, dim))
        nn.init.normal_(self.agg_weights, std=(num_samples * dim) ** -0.5)

    def forward(self, pyramid: FeaturePyramid, keypoints: Tensor) -> Tensor:
        """Return descriptors (B, K, dim) float32, unit rows, of keypoints (B, K, 2) px."""
        batch, num_keypoints, _ = keypoints.shape
        if num_keypoints == 0:
            return keypoints.new_zeros((batch, 0, pyramid.dim), dtype=torch.float32)
        points = at_least_float32(keypoints.reshape(-1, 2))
        image_index = torch.arange(batch, device=points.device).repeat_interleave(
            num_keypoints, output_size=len(points)
        )
        offsets = self._predict_offsets(pyramid, image_index, points)  # (N, M, 2)
        samples = self._sample(pyramid, image_index, points.unsqueeze(1) + offsets)
        samples = F.selu_(F.linear(samples, self.sf_conv.weight.flatten(1)))  # (N * M, dim)
        aggregated = samples.view(len(points), -1) @ self.agg_weights.flatten(0, 1)
        return F.normalize(at_least_float32(aggregated), dim=-1).view(batch, num_keypoints, -1)

    def _predict_offsets(
        self, pyramid: FeaturePyramid, image_index: Tensor, points: Tensor
    ) -> Tensor:
        """Return the sample positions (N, M, 2) relative to the points (N, 2), px, (x, y)."""
        step = torch.arange(PATCH, device=points.device, dtype=points.dtype) - PATCH // 2
        centre = points.detach().trunc()
        x, y = centre.T.unsqueeze(1) + step.unsqueeze(1)  # (3, N)
        parts, scale = pyramid.at_grids(image_index, x, y)
        patches = torch.cat(parts, dim=1) * scale.view(-1, 1).to(parts[0].dtype)  # (N * 9, dim)
        first, activation, second = self.offset_conv
        assert isinstance(first, nn.Conv2d)
        assert isinstance(second, nn.Conv2d)
        kernel = first.weight.permute(0, 2, 3, 1).flatten(1)  # (2 M, 9 * dim)
        hidden = activation(F.linear(patches.view(len(points), -1), kernel, first.bias))
        offsets = at_least_float32(F.linear(hidden, second.weight.flatten(1), second.bias))
        limit = torch.sym_max(*pyramid.image_size) / 4  # type: ignore[no-untyped-call]
        # First all x, then all y: the other order than in the deformable convolutions.
        return offsets.clamp(-limit, limit).view(-1, 2, self.num_samples).transpose(1, 2)

    def _sample(self, pyramid: FeaturePyramid, image_index: Tensor, positions: Tensor) -> Tensor:
        """Return the unit-length features (N * M, dim), interpolated at positions (N, M, 2) px."""
        num_samples = self.num_samples
        x, y = positions.reshape(-1, 2).T.contiguous()  # (N * M,)
        image_index = image_index.repeat_interleave(num_samples, output_size=len(x))
        left, top = x.detach().floor(), y.detach().floor()
        parts, scale = pyramid.at_grids(
            image_index, torch.stack((left, left + 1)), torch.stack((top, top + 1))
        )
        right_weight, bottom_weight = x - left, y - top
        column_weights = torch.stack((1 - right_weight, right_weight))
        row_weights = torch.stack((1 - bottom_weight, bottom_weight))
        weights = last((row_weights.unsqueeze(1) * column_weights).flatten(0, 1)) * scale
        index = torch.arange(weights.numel(), device=x.device).view(-1, 4)
        return torch.cat([weighted_rows(part, index, weights) for part in parts], dim=1)
