import shutil
from pathlib import Path

import pytest
import torch

from aliked_ros.inference import machine


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """A machine with a driver, on which torch finds no device."""
    driver = tmp_path / "version"
    driver.write_text("NVRM version")
    monkeypatch.setattr(machine, "_SIGNS", (str(driver),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_a_gpu_that_torch_cannot_use_is_named_with_the_remedy(gpu, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "it is a build without CUDA; install one" in machine.why_no_gpu()
    assert "device 'cpu'" in machine.why_no_gpu()
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "built for CUDA 13.0 and finds no device" in machine.why_no_gpu()


def test_there_is_nothing_to_say_where_torch_uses_the_gpu_or_there_is_none(gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert machine.why_no_gpu() == ""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "_SIGNS", (str(Path("nowhere") / "at" / "all"),))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert machine.why_no_gpu() == ""
