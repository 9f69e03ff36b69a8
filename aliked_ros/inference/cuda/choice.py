"""Stage by stage: the kernels if they prove themselves on this card, else plain torch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from aliked_ros.inference.cuda.record import Record, record_of
from aliked_ros.inference.cuda.stages import TritonStages
from aliked_ros.inference.cuda.trial import Trial
from aliked_ros.inference.cuda.weights import num_parts
from aliked_ros.inference.device_loss import DeviceLostError
from aliked_ros.inference.stages import STAGES, Stages, TorchStages
from aliked_ros.network.aliked import ALIKED

_log = logging.getLogger(__name__)

_MATCHING_TOLERANCE = 1e-4  # of similarities


class MixedStages:
    """Stages of which each is done by one of two.

    Args:
        kernels: does all but those left out.
        plain: does those.
        left_out: names of stages.
    """

    def __init__(self, kernels: Stages, plain: Stages, left_out: dict[str, str]) -> None:
        for stage in STAGES:
            setattr(self, stage, getattr(plain if stage in left_out else kernels, stage))


def choose(network: ALIKED, dtype: torch.dtype, plain: Stages) -> tuple[Stages, dict[str, str]]:
    """Return the stages in the fastest form that gives the right results, and what was left out.

    The first time on a card, with these versions and this network, each stage is compared with
    plain torch on a small image; that takes as long as the kernels take to compile.

    Args:
        network: the result of `ALIKED.fuse()`, on the device, in float32.
        dtype: arithmetic of the encoder.
        plain: the stages by plain torch, for those that are left out.

    Raises:
        DeviceLostError: if a kernel has made the device unusable; it is left out the next time.
    """
    device = network.conv1.weight.device
    record = record_of(network, dtype, device)
    try:
        kernels = TritonStages(network, dtype)
    except ValueError as error:
        left_out = {stage: str(error) for stage in STAGES}
        _warn(left_out)
        return plain, left_out
    if not all(record.knows(stage) for stage in STAGES):
        _log.info("trying the kernels on %s; compiling them takes a while", device)
        try_all(kernels, network, dtype, record)
    left_out = {name: why for name, why in record.left_out.items() if name in STAGES}
    if left_out:
        _warn(left_out)
    if len(left_out) == len(STAGES):
        return plain, left_out
    return cast(Stages, MixedStages(kernels, plain, left_out)), left_out


@torch.no_grad()
def try_all(kernels: Stages, network: ALIKED, dtype: torch.dtype, record: Record) -> None:
    """Compare every stage that is not known yet with plain torch."""
    device = network.conv1.weight.device
    reference = TorchStages(network, dtype, num_parts(dtype))
    trial = Trial(reference, network.dim, dtype, device)
    for stage in STAGES:
        if record.knows(stage):
            continue
        record.begin(stage)
        try:
            problem = trial.problem(kernels, stage)
        except Exception as error:  # a compiler may fail with anything
            _stop_if_lost(device, stage, error)
            problem = f"{type(error).__name__}: {error}"
        record.judge(stage, problem.strip().split("\n")[0])


def are_sound(
    kernels: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]],
    plain: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]],
    dim: int,
    record: Record,
    device: torch.device,
) -> bool:
    """Return whether the kernels match descriptors of a length as plain torch does."""
    name = "matching"
    if not record.knows(name):
        record.begin(name)
        try:
            problem = _matching_problem(kernels, plain, dim, device)
        except Exception as error:  # a compiler may fail with anything
            _stop_if_lost(device, name, error)
            problem = f"{type(error).__name__}: {error}"
        record.judge(name, problem.strip().split("\n")[0])
    if name in record.left_out:
        _warn({name: record.left_out[name]})
    return name not in record.left_out


def _matching_problem(
    kernels: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]],
    plain: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]],
    dim: int,
    device: torch.device,
) -> str:
    generator = torch.Generator().manual_seed(0)
    first = F.normalize(torch.randn(300, dim, generator=generator), dim=1).to(device)
    noise = F.normalize(torch.randn(300, dim, generator=generator), dim=1).to(device)
    second = torch.cat((first[:200] + 0.1 * noise[:200], noise[200:]))
    found, similarities = kernels(first, second, 0.1)
    expected, their_similarities = plain(first, second, 0.1)
    if not torch.equal(found, expected):
        return "it pairs other descriptors than torch"
    error = float((similarities - their_similarities).abs().max())
    return "" if error < _MATCHING_TOLERANCE else f"it differs from torch by {error:.2g}"


def _stop_if_lost(device: torch.device, stage: str, error: Exception) -> None:
    if device.type != "cuda":
        return
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        raise DeviceLostError(
            f"the kernels of stage '{stage}' have made {device} unusable for this process "
            f"({error}); start it again: they will be left out"
        ) from error


def _warn(left_out: dict[str, str]) -> None:
    reasons = "; ".join(f"{stage}: {why}" for stage, why in left_out.items())
    _log.warning("plain torch does what these kernels should, slower: %s", reasons)
