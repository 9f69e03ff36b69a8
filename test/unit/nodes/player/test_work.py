import json
import threading

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.config.companions import PlayerConfig
from aliked_ros.datasets import open_sequence
from aliked_ros.nodes.player.work import PlayerWork


@pytest.fixture
def play(node, topics, diagnostics, monkeypatch):
    """Play with an audience that breaks; return how it ended, and what was said."""

    def played(is_ending, **options):
        ended, fatal = [], []
        monkeypatch.setattr(diagnostics, "fatal", fatal.append)
        config = PlayerConfig(dataset="synthetic", sensor="mono", **options)
        sequence = open_sequence("synthetic")
        work = PlayerWork(node, topics, config, sequence, [], diagnostics, ended.append)

        def fail():
            node.context.ok = lambda: not is_ending
            raise RuntimeError("publisher's context is invalid")

        work._audience.wait = fail
        work.start()
        thread = work._thread
        assert isinstance(thread, threading.Thread)
        thread.join(60)
        return ended, fatal

    return played


def test_what_breaks_a_player_is_said_and_ends_it(play):
    ended, fatal = play(is_ending=False)
    assert ended == [True]
    assert "context is invalid" in fatal[0]


def test_the_end_of_the_process_is_no_failure_of_the_player_and_it_reports(play, tmp_path):
    report = tmp_path / "report.json"
    assert play(is_ending=True, report=str(report)) == ([], [])
    assert json.loads(report.read_text())["sent"] == 0
