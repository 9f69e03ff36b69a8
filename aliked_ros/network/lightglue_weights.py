"""Load a checkpoint of LightGlue, every tensor and no other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aliked_ros.network.attention import HEAD
from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.lightglue_layers import WIDTH
from aliked_ros.network.released import (
    LIGHTGLUE,
    LIGHTGLUE_LENGTH,
    RELEASE_SHA256,
    WeightsError,
    find_weights,
    sha256_of,
)

_log = logging.getLogger(__name__)


def load_lightglue(
    weights: str = "", device: torch.device | str = "cpu", precision: str = "float32"
) -> LightGlue:
    """Return the network of a checkpoint.

    Args:
        weights: checkpoint file; empty to look for the released one (see `find_weights`).
        device: where it computes.
        precision: of its layers, as `LightGlue` takes it.

    Raises:
        WeightsError: if there is no checkpoint, or one that is not of LightGlue for ALIKED.
    """
    path = find_weights(LIGHTGLUE, weights)
    state = _read(path)
    num_layers = _check(state, path)
    digest = sha256_of(path)
    if weights and digest != RELEASE_SHA256[LIGHTGLUE]:
        _log.warning(
            "weights %s are not the released %s: their SHA-256 is %s; they are taken as your own",
            path,
            LIGHTGLUE,
            digest,
        )
    return LightGlue({n: value.to(device) for n, value in state.items()}, num_layers, precision)


def expected_shapes(num_layers: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the tensors of a checkpoint."""
    shapes: dict[str, tuple[int, ...]] = {"posenc.Wr.weight": (HEAD // 2, 2)}

    def linear(name: str, num_out: int, num_in: int) -> None:
        shapes.update({f"{name}.weight": (num_out, num_in), f"{name}.bias": (num_out,)})

    linear("input_proj", WIDTH, LIGHTGLUE_LENGTH)
    for number in range(num_layers):
        own, other = (f"transformers.{number}.{kind}" for kind in ("self_attn", "cross_attn"))
        linear(f"{own}.Wqkv", 3 * WIDTH, WIDTH)
        linear(f"{own}.out_proj", WIDTH, WIDTH)
        for name in ("to_qk", "to_v", "to_out"):
            linear(f"{other}.{name}", WIDTH, WIDTH)
        for block in (own, other):
            linear(f"{block}.ffn.0", 2 * WIDTH, 2 * WIDTH)
            shapes.update({f"{block}.ffn.1.{part}": (2 * WIDTH,) for part in ("weight", "bias")})
            linear(f"{block}.ffn.3", WIDTH, 2 * WIDTH)
        linear(f"log_assignment.{number}.final_proj", WIDTH, WIDTH)
        linear(f"log_assignment.{number}.matchability", 1, WIDTH)
        if number < num_layers - 1:
            linear(f"token_confidence.{number}.token.0", 1, WIDTH)
    return shapes


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what the damaged part happens to raise
        raise WeightsError(f"{path} is not a checkpoint that torch can read: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} is not a checkpoint: it must be a dict of named tensors")
    return {name: value.float() for name, value in state.items()}


def _check(state: dict[str, Tensor], path: Path) -> int:
    """Return the number of layers of a checkpoint.

    Raises:
        WeightsError: if it is not one.
    """
    layers = {name.split(".")[1] for name in state if name.startswith("transformers.")}
    expected = expected_shapes(max(1, len(layers)))
    found = {name: tuple(value.shape) for name, value in state.items()}
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        name = wrong[0]
        raise WeightsError(
            f"{path} is not a checkpoint of LightGlue for ALIKED: {len(wrong)} tensors differ, "
            f"the first is {name}, whose shape is {found.get(name)}, not {expected.get(name)}; "
            "give another file, or leave weights empty for the released one"
        )
    broken = sorted(name for name, value in state.items() if not bool(value.isfinite().all()))
    if broken:
        raise WeightsError(
            f"{path}: {len(broken)} tensors hold numbers that are not finite, the first is "
            f"{broken[0]}; give another file, or leave weights empty for the released one"
        )
    return len(layers)
