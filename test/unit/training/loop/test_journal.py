"""Scalars and pictures of a run, also of one that was interrupted."""

import json
import warnings

import numpy as np
import pytest

from aliked_ros.training.loop.journal import Journal

PICTURE = np.zeros((8, 8, 3), np.uint8)


def _quiet(folder, first_step):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Journal(folder, first_step)


def _lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_scalars_are_lines_of_json(tmp_path):
    journal = _quiet(tmp_path / "deep" / "run", 0)
    journal.scalars(20, "train", {"total": 1.5})
    journal.scalars(20, "validation", {"matching_score": 40.0})
    assert _lines(tmp_path / "deep" / "run") == [  # at once, not only when it is closed
        {"step": 20, "group": "train", "total": 1.5},
        {"step": 20, "group": "validation", "matching_score": 40.0},
    ]
    journal.close()


def _write_three_steps(folder):
    journal = _quiet(folder, 0)
    for step in (1, 2, 3):
        journal.scalars(step, "train", {"total": float(step)})
    journal.close()


def test_a_run_that_goes_on_drops_the_lines_after_its_step(tmp_path):
    _write_three_steps(tmp_path)
    journal = _quiet(tmp_path, 2)
    journal.scalars(3, "train", {"total": 30.0})
    journal.close()
    assert [(line["step"], line["total"]) for line in _lines(tmp_path)] == [(1, 1), (2, 2), (3, 30)]


def test_a_run_that_starts_over_drops_all_lines(tmp_path):
    _write_three_steps(tmp_path)
    _quiet(tmp_path, 0).close()
    assert _lines(tmp_path) == []


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    _write_three_steps(tmp_path)
    file = tmp_path / "metrics.jsonl"
    file.write_text(file.read_text()[:-12])
    _quiet(tmp_path, 3).close()
    assert [line["step"] for line in _lines(tmp_path)] == [1, 2]


def test_without_tensorboard_there_is_one_warning_and_scalars_are_kept(tmp_path, hide_package):
    hide_package("tensorboardX")
    with pytest.warns(UserWarning, match="TensorBoard needs tensorboardX") as found:
        journal = Journal(tmp_path, 0)
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in (1, 2):
            journal.scalars(step, "train", {"total": 1.0})
            journal.picture(step, "matches", PICTURE)
        journal.close()
    assert len(_lines(tmp_path)) == 2


class Board:
    """Stands for tensorboardX's writer and remembers what it was told."""

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.told = folder, purge_step, []

    def add_scalar(self, name, value, step):
        self.told.append((step, name, value))

    def add_image(self, name, image, step, dataformats):
        self.told.append((step, name, image.shape, dataformats))

    def close(self):
        self.told.append("closed")


def test_tensorboard_is_told_the_same_and_forgets_only_what_comes_after_the_step(
    tmp_path, monkeypatch
):
    tensorboard = pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    boards = []

    def open_board(*arguments, **options):
        boards.append(Board(*arguments, **options))
        return boards[-1]

    monkeypatch.setattr(tensorboard, "SummaryWriter", open_board)
    journal = Journal(tmp_path, 2)
    journal.scalars(3, "train", {"total": 1.0, "peak": 2.0})
    journal.picture(3, "matches", PICTURE)
    journal.close()
    (board,) = boards
    assert board.folder == str(tmp_path)
    assert board.purge_step == 3  # the first step whose old events are dropped
    assert board.told == [
        (3, "train/total", 1.0),
        (3, "train/peak", 2.0),
        (3, "matches", (8, 8, 3), "HWC"),
        "closed",
    ]


def test_an_event_file_with_scalars_and_a_picture_is_written(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    journal = Journal(tmp_path, 0)
    journal.scalars(1, "train", {"total": 1.0})
    journal.picture(1, "matches", PICTURE)
    journal.close()
    (events,) = tmp_path.glob("events.out.tfevents.*")
    content = events.read_bytes()
    assert b"train/total" in content
    assert b"matches" in content
    assert b"\x89PNG" in content
