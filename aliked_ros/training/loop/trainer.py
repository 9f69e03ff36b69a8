"""The loop: draw pairs, make a step, note it, validate, keep the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path

from torch import distributed
from tqdm import tqdm

from aliked_ros.evaluation.homography.pairs import PlanarPair
from aliked_ros.interruption import Interruption, interruption
from aliked_ros.training.loop import checkpoints
from aliked_ros.training.loop.journal import Journal
from aliked_ros.training.loop.meter import Meter
from aliked_ros.training.loop.processes import Processes
from aliked_ros.training.loop.snapshots import matches_picture, score_picture
from aliked_ros.training.loop.stepper import Stepper
from aliked_ros.training.loop.validation import validate
from aliked_ros.training.pairs.loading import Batch, batches
from aliked_ros.training.pairs.pair import PairSource
from aliked_ros.training.recipe import TrainingConfig

LAST, BEST = "last.pt", "best.pth"
BEST_BY = "matching_score"
# Settings that may change when a run resumes.
_FREE = ("out", "num_workers", "save_every", "log_every", "device")


class Trainer:
    """Trains a network, from the beginning or from where the last run in the folder stopped.

    Args:
        config: what and how.
        source: of the training pairs.
        validation: pairs to validate with; without any the last average counts as the best.
        processes: that train together.
        clock: returns seconds.

    Attributes:
        stepper: the network and its optimiser.
        best: figures of the best validation; empty before the first.
        unreadable: files that were skipped, each with the reason.
    """

    def __init__(
        self,
        config: TrainingConfig,
        source: PairSource,
        validation: Sequence[PlanarPair],
        processes: Processes,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._source = source
        self._validation = validation
        self._processes = processes
        self._clock = clock
        self._folder = Path(config.out)
        self.stepper = Stepper(config, processes)
        self.best: dict[str, float] = {}
        self.unreadable: set[str] = set()
        self._identity = {k: v for k, v in asdict(config).items() if k not in _FREE}
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

    def _stream(self) -> Iterator[Batch]:
        """Return the batches of this process that are still to come."""
        config, processes = self._config, self._processes
        first = self.stepper.step * config.accumulate * processes.count + processes.rank
        end = config.num_steps * config.accumulate * processes.count
        return batches(
            self._source,
            range(first, end, processes.count),
            config.batch_pairs,
            config.num_random,
            config.seed,
            config.num_workers,
            pin_memory=processes.device.type == "cuda",
        )

    def _validate(self, journal: Journal | None) -> None:
        """Note how good the average is on images that it does not learn from; keep the best."""
        if journal is not None:
            network = self.stepper.average.network
            figures: dict[str, float] = {}
            if self._validation:
                figures, example = validate(network, self._validation, self._processes.device)
                journal.scalars(self.stepper.step, "validation", figures)
                journal.picture(self.stepper.step, "score map", score_picture(example))
                journal.picture(self.stepper.step, "matches", matches_picture(example))
            if figures.get(BEST_BY, 0.0) >= self.best.get(BEST_BY, 0.0):
                self.best = figures | {"step": float(self.stepper.step)}
                parameters = {k: v.cpu().contiguous() for k, v in network.state_dict().items()}
                checkpoints.write(parameters, self._folder / BEST)
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
