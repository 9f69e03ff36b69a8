"""Load a checkpoint strictly into a network; where none can be had, the packaged one."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor

from aliked_ros.config import MODELS
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.released import (
    RELEASE_SHA256,
    NoWeightsError,
    WeightsError,
    find_weights,
    sha256_of,
)

SEED_PREFIX = "seed:"  # weights "seed:0" are an untrained network, for tests without checkpoints
# What this project trained and brings along, for machines that reach nothing; "package" names it.
PACKAGED = "package"
PACKAGED_MODEL = "aliked-t16"
PACKAGED_FILE = Path(__file__).with_name("packaged_aliked-t16.pth")

_log = logging.getLogger(__name__)
_warned: set[str] = set()


def load_some_network(model: str, weights: str = "") -> tuple[ALIKED, str]:
    """Build a network as `load_network` does, with the packaged weights as the last resort.

    Where no released weights are found and none can be downloaded, the network is the packaged
    one, whatever the model that was asked for; a warning says so once.

    Args:
        model: one of `aliked_ros.config.MODELS`.
        weights: as in `load_network`, or "package" for the packaged ones.

    Returns:
        network: its attribute `model` tells which one it is.
        weights_id: as in `load_network`; "package-" and eight digits for the packaged weights.

    Raises:
        WeightsError: if weights that were asked for by name cannot be used.
    """
    if weights == PACKAGED:
        if model != PACKAGED_MODEL:
            raise WeightsError(
                f"weights is {PACKAGED!r} and model is {model!r}: the packaged weights are of "
                f"{PACKAGED_MODEL}; set model to that"
            )
        return _load_packaged()
    try:
        return load_network(model, weights)
    except NoWeightsError as error:
        if str(error) not in _warned:
            _warned.add(str(error))
            _log.warning(
                "%s. Until then the weights of %s that come with this package are used: they are "
                "this project's own, less accurate than the released ones (docs/model_card.md)",
                error,
                PACKAGED_MODEL,
            )
        return _load_packaged()


def load_network(model: str, weights: str = "") -> tuple[ALIKED, str]:
    """Build a network and fill it with a checkpoint.

    Args:
        model: one of `aliked_ros.config.MODELS`.
        weights: checkpoint file; empty to look for the released one (see `find_weights`);
            "seed:N" for untrained parameters that depend on the whole number N alone.

    Returns:
        network: on the CPU, in float32, in evaluation mode.
        weights_id: the first eight hexadecimal digits of the file's SHA-256, after "unknown-" if
            it is not the released one; or "seed:N".

    Raises:
        WeightsError: if there is no checkpoint, or one that is not of this model.
    """
    if weights.startswith(SEED_PREFIX):
        return ALIKED.from_seed(model, _parse_seed(weights)).eval(), weights
    path = find_weights(model, weights)
    network = ALIKED(model)
    load_checkpoint(network, path)
    return network.eval(), _name(model, path)


def load_checkpoint(network: ALIKED, path: Path) -> None:
    """Copy the parameters of a file into a network, every one and no other."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what the damaged part happens to raise
        raise WeightsError(f"{path} is not a checkpoint that torch can read: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} is not a checkpoint: it must be a dict of named tensors")
    _check_finite(state, path)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        fitting = [
            model for model in MODELS if _shapes(ALIKED(model).state_dict()) == _shapes(state)
        ]
        remedy = f"set model to {' or '.join(fitting)}" if fitting else "give another file"
        raise WeightsError(
            f"{path} is not a checkpoint of {network.model}: {remedy}. {error}"
        ) from error


def _parse_seed(weights: str) -> int:
    text = weights[len(SEED_PREFIX) :]
    if not text.isdecimal():
        raise WeightsError(f"weights is {weights!r}: a seed is a whole number, as in 'seed:0'")
    return int(text)


def _shapes(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def _load_packaged() -> tuple[ALIKED, str]:
    network = ALIKED(PACKAGED_MODEL)
    load_checkpoint(network, PACKAGED_FILE)
    return network.eval(), f"{PACKAGED}-{sha256_of(PACKAGED_FILE)[:8]}"


def _name(model: str, path: Path) -> str:
    """Return the weights_id of a file; say so, once for each, if it is not the released one."""
    digest = sha256_of(path)
    if digest == RELEASE_SHA256[model]:
        return digest[:8]
    if digest not in _warned:
        _warned.add(digest)
        _log.warning(
            "weights %s are not the released %s: their SHA-256 is %s; they are taken as your own",
            path,
            model,
            digest,
        )
    return f"unknown-{digest[:8]}"


def _check_finite(state: dict[str, Tensor], path: Path) -> None:
    """Raise WeightsError if a parameter is no number, as after a training that diverged."""
    for name, values in state.items():
        if not torch.isfinite(values).all():
            share = 1 - float(torch.isfinite(values).float().mean())
            raise WeightsError(
                f"{path} holds values that are no finite numbers ({share:.0%} of {name}): the file "
                "is damaged, or its training diverged; give another file"
            )
