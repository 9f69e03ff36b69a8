"""Starts the process that shows items, and hands them over without making anybody wait."""

from __future__ import annotations

import importlib.util
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from aliked_ros.extras import MissingPackageError
from aliked_ros.view.wire import write_item

PYTHON_VARIABLE = "ALIKED_VIEW_PYTHON"
_READY = "ready"
_PATIENCE_S = 20.0  # until a process that was asked to end is killed
# The other environment needs rerun and its numpy alone: this package is made of its folder, so
# that neither aliked_ros/__init__.py nor a package of our environment is imported there.
_PROGRAM = """
import sys, types
package = types.ModuleType("aliked_ros")
package.__path__ = [sys.argv.pop(1)]
sys.modules["aliked_ros"] = package
from aliked_ros.view.process import main
main()
"""


class Viewer:
    """A process that shows items on a page, or writes them to a file, or both.

    Args:
        page: open a page for a browser.
        file: write a recording (.rrd), None: no.
        up: the world's axis that points upwards: "z" or "-y".
        queue_size: items that wait for the process at most.
        waits: whether `show` waits for a process that lags; else items are dropped and counted.
        memory: how much of the past the page keeps for a browser that opens later.

    Attributes:
        address: of the page; empty if there is none.
        num_dropped: items that were not shown because the process lagged, or has ended.

    Raises:
        MissingPackageError: if no Python with rerun is known.
        OSError: naming the file, if it cannot be written.
        ChildProcessError: with its exit code, if it does not start; it says itself why.
    """

    def __init__(
        self,
        *,
        page: bool,
        file: Path | None = None,
        up: str = "z",
        queue_size: int = 8,
        waits: bool = False,
        memory: str = "512MiB",
    ) -> None:
        python = find_python()
        words = [f"--up={up}", f"--memory={memory}"]
        words += ["--page"] if page else []
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
            words.append(f"--file={file}")
        package = Path(__file__).parents[1]
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [python, "-c", _PROGRAM, str(package), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches us; it ends when we close its input
        )
        self.address = self._read_address(python)
        self.num_dropped = 0
        self._waits = waits
        self._queue: queue.Queue[Mapping[str, object] | None] = queue.Queue(queue_size)
        self._thread = threading.Thread(target=self._write, name="view", daemon=True)
        self._thread.start()

    def show(self, item: Mapping[str, object]) -> None:
        """Hand over an item as `Page` takes it; its arrays must not change any more."""
        try:
            self._queue.put(item, block=self._waits)
        except queue.Full:
            self.num_dropped += 1

    @property
    def is_open(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def close(self) -> None:
        """Let the process show what it was given, and end it."""
        self._queue.put(None)
        self._thread.join()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read_address(self, python: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, address = line.decode().strip().partition(" ")
            if word == _READY:
                threading.Thread(target=self._process.stdout.read, daemon=True).start()
                return address
        raise ChildProcessError(
            f"the view did not start: {python} has ended with {self._process.wait()}, see above"
        )

    def _write(self) -> None:
        """Write what is queued; a process that has ended takes nothing, and nobody waits."""
        assert self._process.stdin is not None
        is_open = True
        while (item := self._queue.get()) is not None:
            try:
                if is_open:
                    write_item(self._process.stdin, item)
                else:
                    self.num_dropped += 1
            except OSError:
                is_open = False
                self.num_dropped += 1
        try:
            self._process.stdin.close()
        except OSError:
            return


def find_python() -> str:
    """Return a Python that has rerun: the one that ALIKED_VIEW_PYTHON names, or this one.

    Raises:
        MissingPackageError: if there is none, with what helps.
    """
    named = os.environ.get(PYTHON_VARIABLE, "")
    if named:
        command = [named, "-c", "import rerun"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise MissingPackageError(
                f"{PYTHON_VARIABLE} is {named!r}, which cannot be run ({error}): {_remedy()}"
            ) from error
        if answer.returncode:
            why = (answer.stderr.strip().splitlines() or ["it has no rerun"])[-1]
            raise MissingPackageError(
                f"{PYTHON_VARIABLE} is {named!r}, which has no rerun ({why}): {_remedy()}"
            )
        return named
    if importlib.util.find_spec("rerun") is not None:
        return sys.executable
    raise MissingPackageError(f"the view needs rerun: {_remedy()}")


def _remedy() -> str:
    """Return what helps where there is no rerun."""
    # rerun wants numpy 2, which ROS's packages of Jazzy cannot share an environment with.
    return (
        'pip install "aliked_ros[view]"; or beside ROS, in an environment of its own: '
        "python3 -m venv ~/aliked_view && ~/aliked_view/bin/pip install rerun-sdk && "
        f"export {PYTHON_VARIABLE}=~/aliked_view/bin/python (in this repository: make view)"
    )
