"""Weights that this project trained and brings along, for machines that reach nothing."""

from __future__ import annotations

import logging
from pathlib import Path

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.weights import (
    NoWeightsError,
    WeightsError,
    load_checkpoint,
    load_network,
    sha256_of,
)

PACKAGED = "package"  # weights "package" asks for them by name
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


def _load_packaged() -> tuple[ALIKED, str]:
    network = ALIKED(PACKAGED_MODEL)
    load_checkpoint(network, PACKAGED_FILE)
    return network.eval(), f"{PACKAGED}-{sha256_of(PACKAGED_FILE)[:8]}"
