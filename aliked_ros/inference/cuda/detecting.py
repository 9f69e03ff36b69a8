"""Launches the kernels that take a score map to keypoints."""

from __future__ import annotations

import torch
from torch import Tensor

from aliked_ros.inference.cuda.kernels.peaks import (
    TALLY,
    find_peaks,
    hide_suppressed,
    keep_highest,
    list_peaks,
)
from aliked_ros.inference.cuda.kernels.selection import order_keypoints, select_peaks
from aliked_ros.inference.cuda.launching import launch
from aliked_ros.inference.cuda.tuning import Tuning, blocks
from aliked_ros.inference.stages import Controls, Outputs

_MAX_PROGRAMS = 64  # of `keep_highest`, whose number of candidates is known on the device only


def detect(score_map: Tensor, controls: Controls, outputs: Outputs, tuning: Tuning) -> None:
    """See `Stages.detect`."""
    choice = tuning["peaks"]
    batch, height, width = score_map.shape
    size, device = (height, width), score_map.device
    grid = (blocks(height * width, choice["block"]), batch)
    is_peak = torch.empty(score_map.shape, dtype=torch.int8, device=device)
    remaining = torch.empty_like(score_map)
    tally = torch.empty((batch, TALLY.value), dtype=torch.int32, device=device)
    launch("peaks", find_peaks, grid, choice, score_map, is_peak, tally, *size, is_first=True)
    launch("peaks", hide_suppressed, grid, choice, score_map, is_peak, remaining, *size)
    launch("peaks", find_peaks, grid, choice, remaining, is_peak, tally, *size, is_first=False)
    launch("peaks", hide_suppressed, grid, choice, score_map, is_peak, remaining, *size)
    # Not cut from one: each has to begin at a multiple of 16 bytes.
    places = torch.empty(score_map.shape, dtype=torch.int32, device=device)
    kept_places, heights = torch.empty_like(places), torch.empty_like(score_map)
    kept_heights = torch.empty_like(score_map)
    launch(
        "peaks", list_peaks, grid, choice, score_map, remaining, is_peak,
        controls.threshold, controls.counts, tally, places, heights, *size,
    )  # fmt: skip
    choice = tuning["keep"]
    programs = min(blocks(height * width, choice["block"]), _MAX_PROGRAMS)
    launch(
        "keep", keep_highest, (programs, batch), choice, places, heights, controls.counts,
        controls.limit, tally, kept_places, kept_heights, *size,
    )  # fmt: skip
    capacity = outputs.scores.shape[1]
    selected = torch.empty((batch, capacity, 4), device=device)
    choice = tuning["select"]
    launch(
        "select", select_peaks, (blocks(capacity, choice["num_own"]), batch), choice, score_map,
        kept_places, kept_heights, tally, controls.limit, selected, *size, capacity,
    )  # fmt: skip
    choice = tuning["order"]
    launch(
        "order", order_keypoints, (blocks(capacity, choice["num_own"]), batch), choice,
        selected, controls.counts, controls.limit, controls.varies, outputs.num_found,
        outputs.header, outputs.keypoints, outputs.scores, outputs.dispersity,
        capacity, outputs.header.stride(0),
    )  # fmt: skip
