"""A frame's memory, images and networks for tests of the Triton kernels; needs triton."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.inference.frame import Frame
from aliked_ros.inference.parts import join
from aliked_ros.inference.stages import Geometry, Outputs, TorchStages
from aliked_ros.network.aliked import ALIKED

IS_GPU = torch.cuda.is_available()
# The interpreter takes as long for a large block as for a small one; a GPU has its own cuts.
_LARGE = {
    "image": {"block": 2048},
    "block1": {"block": 2048},
    "block2_first": {"block": 1024},
    "block2_second": {"block": 1024},
    "offsets3": {"block": 64},
    "deform3": {"block": 64},
    "deform4": {"chunk": 64},
    "add_levels": {"block": 2048},
    "planes": {"block": 4096},
    "peaks": {"block": 2048},
    "select": {"num_own": 64},
    "order": {"num_own": 64},
    "patches": {"block": 512},
    "offsets": {"block": 64},
    "samples": {"block": 512},
    "aggregate": {"block": 64, "depth": 64, "num_parts": 4},
    "normalise": {"block": 64},
    "match": {"block": 64},
}
LARGE = {} if IS_GPU else _LARGE
# A GPU's exponential function has fewer digits.
LOOSE = 10 if IS_GPU else 1


def blobs(batch: int, height: int, width: int, channels: int, seed: int = 0) -> Tensor:
    """Return smooth random images (B, H, W, C) uint8."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, channels, height // 4 + 2, width // 4 + 2, generator=generator)
    fine = F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)
    return fine.permute(0, 2, 3, 1).mul(255).to(torch.uint8).contiguous()


def frame_of(
    images: Tensor, dim: int, device: torch.device, max_keypoints: int = 60, threshold: float = 0.0
) -> Frame:
    """Return memory that holds images (B, H, W, C), uploaded; the results are NaN."""
    batch, height, width, channels = images.shape
    frame = Frame(
        Geometry(batch, height, width, channels), max_keypoints, dim, device, False,
        lambda num_bytes: torch.zeros(num_bytes, dtype=torch.uint8),
    )  # fmt: skip
    frame.fill(list(images), max_keypoints, threshold)
    frame.upload()
    frame.packed.fill_(torch.nan)
    return frame


def fused(model: str, device: torch.device, seed: int = 0) -> ALIKED:
    """Return an untrained network for inference."""
    return ALIKED.from_seed(model, seed).eval().fuse().to(device)


def reference(network: ALIKED, dtype: torch.dtype) -> TorchStages:
    """Return the stages in float32 by plain torch, with maps in the type that is asked for."""
    return TorchStages(network, dtype, 1 if dtype == torch.float16 else 2)


def numbers(rows: Tensor) -> Tensor:
    """Return a map in parts as the numbers that it stands for; others as float32."""
    return join(rows) if rows.ndim == 5 else rows.float()


def rows_of(outputs: Outputs, image: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return keypoints, scores, dispersity and descriptors of an image."""
    count = int(outputs.num_found[image])
    parts = (outputs.keypoints, outputs.scores, outputs.dispersity, outputs.descriptors)
    keypoints, scores, dispersity, descriptors = (part[image, :count].cpu() for part in parts)
    return keypoints, scores, dispersity, descriptors
