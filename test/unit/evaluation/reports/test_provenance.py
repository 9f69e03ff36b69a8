import re
import subprocess
import sys

from aliked_ros import __version__
from aliked_ros.evaluation.reports import provenance as module
from aliked_ros.evaluation.reports.provenance import hardware, provenance


def test_a_result_names_command_commit_hardware_and_versions():
    facts = provenance("python3 bench.py --fast")
    assert list(facts) == ["command", "commit", "hardware", "versions"]
    assert facts["command"] == "`python3 bench.py --fast`"
    assert "torch " in facts["versions"]
    assert re.search(r", \d+ threads", hardware())


def test_the_command_of_the_process_names_no_folder_of_this_machine(monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["aliked", "track", "/data/of/somebody/kitti 00", "--out", "o"]
    )
    assert provenance()["command"] == "`python3 -m aliked_ros track 'kitti 00' --out o`"
    words = ["--trajectory", "peer=/data/of/somebody/kitti.txt", "mine=runs/kitti.txt", "~/a/fr1/"]
    monkeypatch.setattr(sys, "argv", ["aliked", *words])
    command = "python3 -m aliked_ros --trajectory peer=kitti.txt mine=runs/kitti.txt fr1"
    assert provenance()["command"] == f"`{command}`"


def test_where_there_is_no_repository_the_version_counts(monkeypatch):
    def no_git(*_, **__):
        raise OSError("git is not installed")

    monkeypatch.setattr(module.subprocess, "run", no_git)
    assert provenance()["commit"] == f"version {__version__}, no repository"


def test_local_changes_are_said(monkeypatch):
    answers = {"rev-parse": "0123456789\n", "status": " M a.py\n"}

    def git(words, **_):
        return subprocess.CompletedProcess(words, 0, answers[words[3]])

    monkeypatch.setattr(module.subprocess, "run", git)
    assert provenance()["commit"] == "0123456789 with local changes"
    answers["status"] = ""
    assert provenance()["commit"] == "0123456789"
