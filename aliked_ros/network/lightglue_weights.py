"""Load a checkpoint of LightGlue, every tensor and no other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aliked_ros.network.attention import HEAD
from aliked_ros.network.lightglue import LightGlue
from aliked_ros.network.released import (
    LIGHTGLUE,
    LIGHTGLUE_LENGTH,
    RELEASE_SHA256,
    WeightsError,
    find_weights,
    sha256_of,
)

RELEASED_WIDTH = 256

_log = logging.getLogger(__name__)


def load_lightglue(
    weights: str = "", device: torch.device | str = "cpu", precision: str = "float32"
) -> LightGlue:
    """Return the network of a checkpoint.

    Args:
        weights: checkpoint file, in float32 or half precision; its tensors tell how many layers it
            has, of which width, and for descriptors of which length; empty to look for the
            released one (see `find_weights`).
        device: where it computes.
        precision: of its layers, as `LightGlue` takes it.

    Raises:
        WeightsError: if there is no checkpoint, or one that is not of LightGlue for ALIKED.
    """
    path = find_weights(LIGHTGLUE, weights)
    state = read_checkpoint(path)
    num_layers = count_layers(state)
    digest = sha256_of(path)
    if weights and digest != RELEASE_SHA256[LIGHTGLUE]:
        _log.warning(
            "weights %s are not the released %s: their SHA-256 is %s; they are taken as your own",
            path,
            LIGHTGLUE,
            digest,
        )
    return LightGlue({n: value.to(device) for n, value in state.items()}, num_layers, precision)


def descriptor_length(weights: str = "") -> int:
    """Return how many numbers the descriptors have that a checkpoint takes.

    Raises:
        WeightsError: as `load_lightglue` does; never for the released one, which is not looked for.
    """
    if not weights:
        return LIGHTGLUE_LENGTH
    return read_checkpoint(find_weights(LIGHTGLUE, weights))["input_proj.weight"].shape[1]


def expected_shapes(
    num_layers: int, width: int = RELEASED_WIDTH, length: int = LIGHTGLUE_LENGTH
) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the tensors of a checkpoint.

    Args:
        num_layers: at least 1.
        width: numbers of a point's state, a multiple of 64.
        length: numbers of a descriptor.
    """
    shapes: dict[str, tuple[int, ...]] = {"posenc.Wr.weight": (HEAD // 2, 2)}

    def linear(name: str, num_out: int, num_in: int) -> None:
        shapes.update({f"{name}.weight": (num_out, num_in), f"{name}.bias": (num_out,)})

    linear("input_proj", width, length)
    for number in range(num_layers):
        own, other = (f"transformers.{number}.{kind}" for kind in ("self_attn", "cross_attn"))
        linear(f"{own}.Wqkv", 3 * width, width)
        linear(f"{own}.out_proj", width, width)
        for name in ("to_qk", "to_v", "to_out"):
            linear(f"{other}.{name}", width, width)
        for block in (own, other):
            linear(f"{block}.ffn.0", 2 * width, 2 * width)
            shapes.update({f"{block}.ffn.1.{part}": (2 * width,) for part in ("weight", "bias")})
            linear(f"{block}.ffn.3", width, 2 * width)
        linear(f"log_assignment.{number}.final_proj", width, width)
        linear(f"log_assignment.{number}.matchability", 1, width)
        if number < num_layers - 1:
            linear(f"token_confidence.{number}.token.0", 1, width)
    return shapes


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of LightGlue, checked, in float32.

    Raises:
        WeightsError: if it is not one.
    """
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what the damaged part happens to raise
        raise WeightsError(f"{path} is not a checkpoint that torch can read: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} is not a checkpoint: it must be a dict of named tensors")
    state = {name: value.float() for name, value in state.items()}
    _check(state, path)
    return state


def count_layers(state: dict[str, Tensor]) -> int:
    """Return the number of layers of a checkpoint."""
    return len({name.split(".")[1] for name in state if name.startswith("transformers.")})


def _sizes(shapes: dict[str, tuple[int, ...]], path: Path) -> tuple[int, int]:
    """Return width and length of the descriptors, those of the released one if they are unclear.

    Raises:
        WeightsError: if the width cannot be computed.
    """
    shape = shapes.get("input_proj.weight", ())
    if len(shape) != 2 or 0 in shape:
        return RELEASED_WIDTH, LIGHTGLUE_LENGTH
    if shape[0] % HEAD:
        raise WeightsError(
            f"{path} has states of {shape[0]} numbers: give a checkpoint whose width is a multiple "
            f"of {HEAD}, the numbers of a head"
        )
    return shape[0], shape[1]


def _check(state: dict[str, Tensor], path: Path) -> None:
    """Raise WeightsError if tensors are not those of a checkpoint."""
    found = {name: tuple(value.shape) for name, value in state.items()}
    expected = expected_shapes(max(1, count_layers(state)), *_sizes(found, path))
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
