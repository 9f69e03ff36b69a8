"""How the compiled kernels are found, and what they ask of torch."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from aliked_ros import native
from aliked_ros.inference.kernels import Map, _check

ROOT = Path(__file__).parents[3]


def test_the_source_tree_finds_its_kernels_in_a_shell_that_is_not_activated():
    if not (ROOT / "install" / "aliked_ros" / "lib").is_dir():
        pytest.skip("the kernels are built elsewhere")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("LD_LIBRARY_PATH", None)
    program = "from aliked_ros.native import load_library; assert load_library() is not None"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)


def test_where_there_are_no_kernels_one_warning_says_what_that_costs(monkeypatch, caplog):
    monkeypatch.setattr(native, "open_library", lambda build: ctypes.CDLL(f"no_{build}.so"))
    native.load_library.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert native.load_library() is None
            assert native.load_library() is None
    finally:
        native.load_library.cache_clear()
    assert len(caplog.messages) == 1
    assert "times slower" in caplog.text
    assert "compiler" in caplog.text


def test_torch_works_alone_in_this_thread_and_only_here():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    elsewhere = []

    def look():
        torch.ones(1)
        elsewhere.append(torch.get_num_threads())

    try:
        with native.one_torch_thread() as num_threads:
            assert num_threads == 3
            assert torch.get_num_threads() == 1
            with native.one_torch_thread() as inner:
                assert inner == 3
            assert torch.get_num_threads() == 1
            other = threading.Thread(target=look)
            other.start()
            other.join()
        assert torch.get_num_threads() == 3
        with pytest.raises(KeyError), native.one_torch_thread():
            raise KeyError
        assert torch.get_num_threads() == 3
        assert elsewhere == [3]
    finally:
        torch.set_num_threads(before)


def test_kernels_that_are_loaded_where_torch_is_alone_still_use_all_threads(monkeypatch):
    asked = []

    class Library:
        aliked_use_threads = staticmethod(asked.append)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    expected = torch.get_num_threads()
    monkeypatch.setattr(native, "_thread_setters", lambda: ())
    monkeypatch.setattr(native._scope, "num_threads", expected + 1, raising=False)
    native.open_library("any")
    assert asked == [expected + 1]


def test_memory_of_a_map_is_taken_where_it_is_written():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    feature_map = Map.zeros(2000, 1000, 32)
    assert resident() - before < 50e6  # of 257 MB
    assert feature_map.padded.shape == (2002, 1002, 32)
    assert not feature_map.padded[::100].any()


def test_a_kernel_without_memory_raises():
    def aliked_score():
        pass

    with pytest.raises(MemoryError, match="aliked_score"):
        _check(1, aliked_score, ())
    assert _check(0, aliked_score, ()) == 0
