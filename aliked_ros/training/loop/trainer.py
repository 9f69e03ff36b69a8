"""The loop: draw pairs, make a step, note it, validate, keep the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from torch import distributed
from tqdm import tqdm

from aliked_ros.interruption import Interruption, interruption
from aliked_ros.training.loop import checkpoints
from aliked_ros.training.loop.journal import Journal
from aliked_ros.training.loop.meter import Meter
from aliked_ros.training.loop.processes import Processes
from aliked_ros.training.loop.stepper import Stepper
from aliked_ros.training.loop.task import Task
from aliked_ros.training.pairs.loading import Loaded

LAST, BEST = "last.pt", "best.pth"
# Settings that may change when a run resumes.
_FREE = ("out", "num_workers", "save_every", "log_every", "device")


class Trainer:
    """Trains a network, from the beginning or from where the last run in the folder stopped.

    Args:
        task: what is trained, on what, and how.
        processes: that train together.
        clock: returns seconds.

    Attributes:
        stepper: the network and its optimiser.
        best: figures of the best validation; empty before the first.
        unreadable: files that were skipped, each with the reason.
    """

    def __init__(
        self,
        task: Task,
        processes: Processes,
        clock: Callable[[], float],
    ) -> None:
        config = self._config = task.config
        self._task = task
        self._processes = processes
        self._clock = clock
        self._folder = Path(config.out)
        self.stepper = Stepper(task, processes)
        self.best: dict[str, float] = {}
        self.unreadable: set[str] = set()
        self._identity = {k: v for k, v in task.identity().items() if k not in _FREE}
        self._identity["processes"] = processes.count
        found = checkpoints.load(self._folder / LAST, self._identity)
        if found is not None:
            self.best, self.unreadable = found.pop("best"), set(found.pop("unreadable"))
            self.stepper.restore(found)

    def run(self) -> dict[str, float]:
        """Train to the last step; return the figures of the best validation.

        Raises:
            TrainingError: if the loss is no longer a number.
            KeyboardInterrupt: after Ctrl-C, when the running step is done and saved.
        """
        config, stepper, is_first = self._config, self.stepper, self._processes.is_first
        journal = Journal(self._folder, stepper.step) if is_first else None
        stream = self._stream()
        meter = Meter(self._clock, config.batch_pairs * config.accumulate * self._processes.count)
        bar = tqdm(total=config.num_steps, initial=stepper.step, unit="step", disable=not is_first)
        try:
            with self._interruption() as interrupted:
                while stepper.step < config.num_steps:
                    with meter.waiting():
                        step_batches = [next(stream) for _ in range(config.accumulate)]
                    for batch in step_batches:
                        self.unreadable.update(batch.unreadable)
                    meter.add(stepper.advance(step_batches))
                    bar.update()
                    step, is_end = stepper.step, stepper.step == config.num_steps
                    if journal is not None and (step % config.log_every == 0 or is_end):
                        figures = meter.read() | {"unreadable_files": float(len(self.unreadable))}
                        journal.scalars(step, "train", figures)
                        bar.set_postfix(loss=f"{figures['total']:.3f}", refresh=False)
                    if step % config.validate_every == 0 or is_end:
                        self._validate(journal)
                    if step % config.save_every == 0 or is_end or interrupted.is_asked:
                        self._save()
                    if interrupted.is_asked:
                        raise KeyboardInterrupt
        finally:
            bar.close()
            if journal is not None:
                journal.close()
        return self.best

    def _interruption(self) -> AbstractContextManager[Interruption]:
        """Let a step end before Ctrl-C does; several processes would end after different ones."""
        return interruption() if self._processes.count == 1 else nullcontext(Interruption())

    def _stream(self) -> Iterator[Loaded]:
        """Return the batches of this process that are still to come."""
        config, processes = self._config, self._processes
        first = self.stepper.step * config.accumulate * processes.count + processes.rank
        end = config.num_steps * config.accumulate * processes.count
        numbers = range(first, end, processes.count)
        return self._task.batches(numbers, pin_memory=processes.device.type == "cuda")

    def _validate(self, journal: Journal | None) -> None:
        """Note how good the average is on images that it does not learn from; keep the best."""
        if journal is not None:
            network, best_by = self.stepper.average.network, self._task.best_by
            found = self._task.validate(network, self._processes.device)
            if found.figures:
                journal.scalars(self.stepper.step, "validation", found.figures)
            for name, picture in found.pictures.items():
                journal.picture(self.stepper.step, name, picture)
            if found.figures.get(best_by, 0.0) >= self.best.get(best_by, 0.0):
                self.best = found.figures | {"step": float(self.stepper.step)}
                checkpoints.write(self._task.kept(network), self._folder / BEST)
        self._wait()

    def _save(self) -> None:
        if self._processes.is_first:
            kept = {"best": self.best, "unreadable": sorted(self.unreadable)}
            checkpoints.save(self.stepper.state() | kept, self._identity, self._folder / LAST)
        self._wait()

    def _wait(self) -> None:
        """Wait until all processes are here."""
        if self._processes.count > 1 and distributed.is_initialized():
            distributed.barrier()
