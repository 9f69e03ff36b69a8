"""One step of the optimiser: gradients of some batches, the rate, the moving average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from aliked_ros.training.loop.average import MovingAverage
from aliked_ros.training.loop.processes import Processes
from aliked_ros.training.loop.task import Task
from aliked_ros.training.pairs.loading import Loaded
from aliked_ros.training.recipe import LoopConfig

_MIXED = {"float16": torch.float16, "bfloat16": torch.bfloat16}


class TrainingError(RuntimeError):
    """The training cannot continue; the text says why and what to do."""


class Stepper:
    """A network, its optimiser and its average, which move together.

    Args:
        task: what is trained and how.
        processes: that train together.

    Attributes:
        network: under training.
        average: its moving average, which is what is kept.
        step: steps that are done.
    """

    def __init__(self, task: Task, processes: Processes) -> None:
        config = self._config = task.config
        self._device = processes.device
        is_half = config.precision == "float16"  # whose small gradients have to be scaled
        if is_half and self._device.type != "cuda":
            raise ValueError(
                f"precision is 'float16' on device {str(self._device)!r}: mixed precision is for "
                "CUDA; set precision to 'float32', or to 'bfloat16'"
            )
        self._mixed = _MIXED.get(config.precision)
        self.step = 0
        self.network = task.make_network().to(self._device)
        self.average = MovingAverage(self.network, config.ema_decay)
        self._objective = processes.wrap(task.make_objective(self.network).train())
        self._parameters = [p for p in self.network.parameters() if p.requires_grad]
        self._optimizer = torch.optim.Adam(self._parameters, lr=config.learning_rate)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=is_half)

    def advance(self, batches: Sequence[Loaded]) -> dict[str, Tensor]:
        """Make a step with the mean gradient of some batches.

        Returns:
            The mean terms of the loss, the length of the gradient and the learning rate.

        Raises:
            TrainingError: if a term is no longer a number.
        """
        learning_rate = self._config.learning_rate * rate(self.step, self._config)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.zero_grad(set_to_none=True)
        terms: list[dict[str, Tensor]] = []
        for number, batch in enumerate(batches):
            with self._exchange(number == len(batches) - 1):
                found = self._terms(batch)
                self._scaler.scale(found["total"] / len(batches)).backward()  # type: ignore[no-untyped-call]
            terms.append({name: value.detach() for name, value in found.items()})
        means = {name: torch.stack([t[name] for t in terms]).mean() for name in terms[0]}
        self._check(means)
        self._scaler.unscale_(self._optimizer)
        limit = self._config.max_gradient_norm or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, limit)
        if not self._scaler.is_enabled():  # in mixed precision the scaler leaves such a step out
            self._check({"gradient_norm": norm})
        means["gradient_norm"] = norm
        means["learning_rate"] = torch.tensor(learning_rate)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.step += 1
        self.average.update(self.network, self.step)
        return means

    def _terms(self, batch: Loaded) -> dict[str, Tensor]:
        inputs = batch.inputs(self._device)
        with torch.autocast(self._device.type, self._mixed, enabled=self._mixed is not None):
            terms: dict[str, Tensor] = self._objective(*inputs)
        return terms

    def _exchange(self, is_last: bool) -> AbstractContextManager[Any]:
        """Let processes exchange gradients with the last batch of a step only."""
        if is_last or not isinstance(self._objective, torch.nn.parallel.DistributedDataParallel):
            return nullcontext()
        return self._objective.no_sync()

    def _check(self, terms: dict[str, Tensor]) -> None:
        # One answer for all of them: a GPU is waited for once.
        is_finite = torch.stack(list(terms.values())).isfinite().tolist()
        broken = [name for name, is_good in zip(terms, is_finite, strict=True) if not is_good]
        if broken:
            raise TrainingError(
                f"step {self.step + 1}: {', '.join(broken)} is no longer a number. Lower "
                "learning_rate or max_gradient_norm, or set precision to 'float32'; the last "
                "checkpoint is from before"
            )

    def state(self) -> dict[str, Any]:
        """Return all that a later run needs to resume from here."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from what `state` returned."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])


def rate(step: int, config: LoopConfig) -> float:
    """Return the learning rate of a step, counted from 0, as a part of the full one."""
    if step < config.warm_up_steps:
        return (step + 1) / config.warm_up_steps
    length = max(config.num_steps - config.warm_up_steps, 1)
    share = min((step - config.warm_up_steps) / length, 1.0)
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * share)) / 2
