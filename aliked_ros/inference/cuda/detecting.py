"""Launches the kernels that take a score map to keypoints."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.cuda.kernels.peaks import find_peaks, hide_suppressed, list_peaks
from aliked_ros.inference.cuda.kernels.selection import order_keypoints, select_peaks
from aliked_ros.inference.cuda.launching import launch
from aliked_ros.inference.cuda.tuning import Tuning, blocks
from aliked_ros.inference.stages import Controls, Outputs

_MAX_PROGRAMS = 512  # of `select_peaks`, whose number of candidates is known on the device only


def detect(score_map: Tensor, controls: Controls, outputs: Outputs, tuning: Tuning) -> None:
    """See `Stages.detect`."""
    batch, height, width = score_map.shape
    choice = tuning["peaks"]
    grid = (blocks(height * width, choice["block"]), batch)
    size = (height, width)
    is_peak = torch.empty(score_map.shape, dtype=torch.int8, device=score_map.device)
    remaining = torch.empty_like(score_map)
    launch("peaks", find_peaks, grid, choice, score_map, is_peak, *size, is_first=True)
    launch("peaks", hide_suppressed, grid, choice, score_map, is_peak, remaining, *size)
    launch("peaks", find_peaks, grid, choice, remaining, is_peak, *size, is_first=False)
    launch("peaks", hide_suppressed, grid, choice, score_map, is_peak, remaining, *size)
    places = torch.empty(score_map.shape, dtype=torch.int32, device=score_map.device)
    heights = torch.empty_like(score_map)
    launch(
        "peaks", list_peaks, grid, choice, score_map, remaining, is_peak,
        controls.threshold, controls.counts, places, heights, *size,
    )  # fmt: skip
    capacity = outputs.scores.shape[1]
    selected = torch.empty((batch, capacity, 4), device=score_map.device)
    choice = tuning["select"]
    programs = min(blocks(height * width, choice["num_own"]), _MAX_PROGRAMS)
    launch(
        "select", select_peaks, (programs, batch), choice, score_map, places, heights,
        controls.counts, controls.limit, selected, *size, capacity,
    )  # fmt: skip
    choice = tuning["order"]
    launch(
        "order", order_keypoints, (blocks(capacity, choice["num_own"]), batch), choice,
        selected, controls.counts, controls.limit, controls.varies, outputs.num_found,
        outputs.header, outputs.keypoints, outputs.scores, outputs.dispersity,
        capacity, outputs.header.stride(0),
    )  # fmt: skip
