"""Frame after frame through the pipeline, with a progress bar, until the end or Ctrl-C."""

from __future__ import annotations

import sys
import time  # noqa: TID251 - a command measures how long its steps take
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aliked_ros.cli.progress import progress_bar
from aliked_ros.cli.track.live_view import LiveView
from aliked_ros.cli.track.outputs import TrajectoryFile
from aliked_ros.cli.track.strip import TrackStrip
from aliked_ros.cli.track.tracked import TrackRun
from aliked_ros.datasets.sequence import FrameError, Sequence
from aliked_ros.evaluation.odometry.records import FrameRecord, kind_of_reason
from aliked_ros.interruption import interruption
from aliked_ros.odometry.pipeline import FramePipeline
from aliked_ros.structs import Frame


def track(
    sequence: Sequence,
    window: tuple[int, int],
    pipeline: FramePipeline,
    tracked: TrackRun,
    strip: TrackStrip,
    trajectory: TrajectoryFile,
    view: LiveView | None = None,
) -> int:
    """Run the pipeline over (start, count) frames; return 0, or the exit code of an interruption.

    What goes wrong with frames is said once for each cause, and counted in `tracked`. A view is
    shown each frame after its time was taken.

    Raises:
        OSError: naming the file, if a row of the trajectory cannot be written.
    """
    start, count = window
    sensor = pipeline.rig.sensor
    title = f"{sequence.name} {sensor}"
    with interruption() as asked, progress_bar(total=count, desc=title, unit="frame") as progress:
        say = _Sayer(lambda text: progress.write(text, file=sys.stderr))

        def skip(error: FrameError) -> None:
            tracked.errors.append(error)
            say("skipped", str(error), error.reason)
            progress.update()
            if asked.is_asked:
                raise _StoppedError

        def follow(frame: Frame) -> None:
            record = _process(frame, pipeline, (strip, view), started_s)
            tracked.records.append(record)
            trajectory.add(record)
            for reason in list(sequence.left_out):
                say("left out", reason, reason)
            shown = f"{record.state.value}, {record.figures['num_inliers']:.0f} inliers"
            progress.set_postfix_str(shown, refresh=False)
            progress.update()

        started_s = time.perf_counter()
        with suppress(_StoppedError):
            for frame in sequence.frames(sensor, start=start, limit=count, on_error=skip):
                follow(frame)
                if asked.is_asked:
                    break
                started_s = time.perf_counter()
    tracked.left_out.update(sequence.left_out)
    tracked.is_interrupted = asked.is_asked
    return asked.exit_code


def _process(
    frame: Frame,
    pipeline: FramePipeline,
    watchers: tuple[TrackStrip, LiveView | None],
    started_s: float,
) -> FrameRecord:
    """Track a frame that has been asked for since `started_s`."""
    read_ms = (time.perf_counter() - started_s) * 1e3
    processed = pipeline.process(frame)
    total_ms = (time.perf_counter() - started_s) * 1e3
    latencies_ms = {"read": read_ms, **processed.stages_ms, "total": total_ms}
    record = FrameRecord.of(processed.result, latencies_ms)
    strip, view = watchers
    strip.add(frame.image, processed.result)
    if view is not None:
        view.add(frame.image, processed.result, record)
    return record


class _StoppedError(Exception):
    """The user asked for the end while frames were skipped."""


class _Sayer:
    """Says the first of each kind of trouble."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self._said: set[str] = set()

    def __call__(self, what: str, text: str, reason: str) -> None:
        kind = kind_of_reason(reason)
        if kind not in self._said:
            self._said.add(kind)
            self._write(f"{what}: {text} (further ones of this kind are counted)")
