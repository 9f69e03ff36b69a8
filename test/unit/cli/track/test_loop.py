import os
import signal
from types import SimpleNamespace

import numpy as np

from aliked_ros.cli.track.loop import track
from aliked_ros.cli.track.tracked import TrackRun
from aliked_ros.datasets.sequence import Calibration, FrameError, Sequence


class Broken(Sequence):
    """A sequence of which no frame can be read."""

    layout = "fake"

    def __init__(self, on_read=lambda index: None):
        self._on_read = on_read
        super().__init__("broken", np.arange(100), Calibration())

    def _load(self, index, with_right, with_depth):
        self._on_read(index)
        raise FrameError(index, f"file{index}.png is damaged")


def _track(sequence):
    tracked = TrackRun("none")
    pipeline = SimpleNamespace(rig=SimpleNamespace(sensor="mono"))
    return track(sequence, (0, len(sequence)), pipeline, tracked, None, None), tracked


def test_one_cause_is_one_line(capsys):
    exit_code, tracked = _track(Broken())
    assert (exit_code, len(tracked.errors)) == (0, 100)
    said = capsys.readouterr().err
    assert said.count("is damaged") == 1
    assert "skipped: frame 0: file0.png is damaged" in said


def test_frames_that_are_skipped_can_be_interrupted_too():
    def press(index):
        if index == 10:
            os.kill(os.getpid(), signal.SIGINT)

    exit_code, tracked = _track(Broken(press))
    assert exit_code == 130
    assert tracked.is_interrupted
    assert len(tracked.errors) < 15
