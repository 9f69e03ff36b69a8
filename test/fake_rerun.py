"""A module that stands in for rerun: notes what is logged, and has troubles on demand."""

import stat
import sys
from pathlib import Path

# Every name of it can be called; `log` is noted.
_MODULE = """
import json, os, pathlib, time
class Anything:
    def __init__(self, *a, **k): self.given = (a, k)
    def __call__(self, *a, **k): return Anything(*a, **k)
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return Anything()
def __getattr__(name):
    if name.startswith("__"): raise AttributeError(name)
    return Anything()
folder = pathlib.Path(__file__).parents[1]
def init(name):
    if (folder / "broken").exists(): raise OSError("no screen")
def log(path, *_, static=False):
    if not static:
        while (folder / "stuck").exists(): time.sleep(0.01)
        if (folder / "dies").exists(): os._exit(3)
        with (folder / "log").open("a") as file: file.write(path + "\\n")
"""


def install(folder: Path) -> Path:
    """Put a Python into a folder that has the stand-in; return it.

    It writes the paths that are logged to the file `log`. Where the folder has a file `broken`,
    it does not start; where `stuck`, logging waits until it is gone; where `dies`, the process
    ends at the first thing that is logged.
    """
    package = folder / "rerun"
    package.mkdir()
    for name in ("__init__.py", "blueprint.py"):
        (package / name).write_text(_MODULE)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def logged(folder: Path) -> list[str]:
    """Return what was logged, in its order."""
    path = folder / "log"
    return path.read_text().split() if path.exists() else []
