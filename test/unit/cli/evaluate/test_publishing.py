"""A finished evaluation: its files, what the screen shows, and what is asked for before."""

import json

import pytest

from aliked_ros.cli.evaluate.publishing import publish, require_plots
from aliked_ros.evaluation.reports.report import Report
from aliked_ros.extras import MissingPackageError


def test_what_is_published_is_printed_and_written(tmp_path, capsys):
    report = Report("speed", "How fast", "On one image.", [], {"orb": 12.5})
    assert publish(report, tmp_path / "new") == 0
    printed = capsys.readouterr().out
    assert "How fast" in printed
    assert "How fast" in (tmp_path / "new" / "speed.md").read_text()
    assert "orb" in json.dumps(json.loads((tmp_path / "new" / "speed.json").read_text()))


def test_a_missing_matplotlib_is_said_with_the_command(hide_package):
    hide_package("matplotlib")
    with pytest.raises(MissingPackageError, match=r"^evaluate pairs needs matplotlib .*evaluation"):
        require_plots("pairs")
