"""The warp between two posed views with depth: back to 3D, into the other view, hidden or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aliked_ros.training.pairs.warps import Move, Warped, is_inside

_MIN_DEPTH = 1e-6  # nearer than this, or behind the camera, nothing is projected


@dataclass(frozen=True, eq=False)
class DepthWarp:
    """Takes pixels of view a into view b of a static scene.

    A point is hidden where the surface that b's depth shows is not the one that was projected:
    |z_projected - z_b| >= tolerance + relative_tolerance * z_projected. MegaDepth has no metres
    and is tested with 0.05 of its own unit (ALIKE); the error of a depth camera grows with the
    distance, so that a relative tolerance, 0.03 or so, suits metric depth.

    Attributes:
        depth_a: (H, W) float32, depth along the optical axis at pixel centres; 0 where missing.
        depth_b: (H, W) float32 of view b, in the same unit.
        K_a: (3, 3) pinhole intrinsics of view a without skew, px, pixel centres at whole numbers.
        K_b: (3, 3) of view b.
        T_b_a: (4, 4) takes camera a's coordinates to camera b's, in the unit of the depth.
        tolerance: absolute part of the test of occlusion, in the unit of the depth.
        relative_tolerance: relative part, as a share of the depth.
    """

    depth_a: Tensor
    depth_b: Tensor
    K_a: Tensor
    K_b: Tensor
    T_b_a: Tensor
    tolerance: float
    relative_tolerance: float

    def moved(self, move: Move) -> DepthWarp:
        """See `Warp.moved`."""
        return replace(
            self,
            depth_a=move(self.depth_a),
            depth_b=move(self.depth_b),
            K_a=move(self.K_a),
            K_b=move(self.K_b),
            T_b_a=move(self.T_b_a),
        )

    def __call__(self, points: Tensor) -> Warped:
        """Warp points (N, 2) px; the gradient takes the depth at each point as a constant.

        Points whose depth is missing in a come back somewhere finite, as neither known nor visible.
        A point that lands inside b where b's depth is missing is not known either.
        """
        z_a, is_known_a = interpolate_depth(self.depth_a, points)
        p_b = self._to_camera_b(points, torch.where(is_known_a, z_a, torch.ones_like(z_a)))
        z_projected = p_b[:, 2]
        is_before = z_projected > _MIN_DEPTH
        warped = _project(
            p_b, torch.where(is_before, z_projected, torch.ones_like(z_projected)), self.K_b
        )
        height, width = self.depth_b.shape
        lands_inside = is_before & is_inside(warped, (height, width))
        z_b, is_known_b = interpolate_depth(self.depth_b, warped)
        gap = (z_projected.detach() - z_b).abs()
        is_same_surface = gap < self.tolerance + self.relative_tolerance * z_projected.detach()
        return Warped(
            warped,
            is_known_a & lands_inside & is_known_b & is_same_surface,
            is_known_a & (is_known_b | ~lands_inside),
        )

    def _to_camera_b(self, points: Tensor, z_a: Tensor) -> Tensor:
        """Return where pixels (N, 2) at depths (N,) lie in camera b: (N, 3)."""
        K_a, T_b_a = self.K_a.to(points), self.T_b_a.to(points)
        x = (points[:, 0] - K_a[0, 2]) / K_a[0, 0] * z_a
        y = (points[:, 1] - K_a[1, 2]) / K_a[1, 1] * z_a
        p_a = torch.stack([x, y, z_a], dim=1)
        # Not a matrix product: under autocast that would be done in half precision.
        return (T_b_a[:3, :3] * p_a[:, None, :]).sum(dim=2) + T_b_a[:3, 3]


def interpolate_depth(depth: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Read a depth map between its pixels, without gradient.

    Args:
        depth: (H, W) with H, W >= 2; 0 where missing.
        points: (N, 2) px, (x, y).

    Returns:
        (N,) bilinear depth in the type of the points; (N,) bool, whether the point lies inside and
        all of its four neighbours have a depth.
    """
    height, width = depth.shape
    inside = is_inside(points.detach(), (height, width))
    x, y = torch.where(inside[:, None], points.detach(), torch.zeros_like(points)).unbind(-1)
    # The last column and row are reached from the pixel before them.
    left = x.floor().clamp(max=width - 2)
    top = y.floor().clamp(max=height - 2)
    first = top.long() * width + left.long()
    flat = depth.to(points.device).reshape(-1)
    corners = flat[torch.stack([first, first + 1, first + width, first + width + 1])].to(points)
    right_share, low_share = x - left, y - top
    upper = corners[0] * (1 - right_share) + corners[1] * right_share
    lower = corners[2] * (1 - right_share) + corners[3] * right_share
    return upper * (1 - low_share) + lower * low_share, inside & (corners > 0).all(dim=0)


def _project(p: Tensor, z: Tensor, K: Tensor) -> Tensor:
    """Return pixels (N, 2) of points (N, 3) with depths (N,) that are not 0."""
    K = K.to(p)
    x = p[:, 0] / z * K[0, 0] + K[0, 2]
    y = p[:, 1] / z * K[1, 1] + K[1, 2]
    return torch.stack([x, y], dim=1)
