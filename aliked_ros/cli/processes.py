"""Processes that end together: with Ctrl-C, or when one of them that the others need has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time  # noqa: TID251 - it waits for processes
from collections.abc import Callable
from dataclasses import dataclass

_POLL_S = 0.1
# SIGHUP: the terminal was closed.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_S = 15.0  # until a process that was asked to end is killed


@dataclass(frozen=True)
class Command:
    """A process.

    Attributes:
        name: for what is said of it.
        words: program and arguments.
        starts_again: whether it is started again after an exit code.
        is_main: all others end with it.
    """

    name: str
    words: list[str]
    starts_again: Callable[[int], bool]
    is_main: bool


def run_processes(commands: list[Command]) -> int:
    """Run processes until a main one has ended, or somebody asks; nothing is left behind.

    A second Ctrl-C does not wait for those that take long to end.

    Returns:
        the exit code of the main one that ended first; 0 after Ctrl-C, SIGTERM or SIGHUP.
    """
    running: dict[str, subprocess.Popen[bytes]] = {}
    asked = _Asked()
    # Not by an exception, which could come between the start of a process and its entry here.
    heard = [one for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]  # nohup
    before = {number: signal.signal(number, asked.note) for number in heard}
    try:
        for command in commands:
            if not asked.times:
                running[command.name] = _start(command)
        return _wait(commands, running, asked)
    finally:
        _stop(running, asked)
        for number, handler in before.items():
            signal.signal(number, handler)


class _Asked:
    """How often the user asked for the end."""

    times = 0

    def note(self, _number: int, _frame: object) -> None:
        """Count a signal."""
        self.times += 1


def _start(command: Command) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches it through us, once.
    return subprocess.Popen(command.words, start_new_session=True)


def _wait(
    commands: list[Command], running: dict[str, subprocess.Popen[bytes]], asked: _Asked
) -> int:
    """Wait until a main process has ended; return its exit code, 0 if the end is asked for."""
    while not asked.times:
        for command in commands:
            process = running.get(command.name)
            code = None if process is None else process.poll()
            if code is None:
                continue
            if command.starts_again(code) and not asked.times:
                print(f"{command.name} starts again after {code}", file=sys.stderr)
                running[command.name] = _start(command)
                continue
            del running[command.name]
            if code:
                print(f"{command.name} has ended with {code}", file=sys.stderr)
            if command.is_main:
                return code
        time.sleep(_POLL_S)
    return 0


def _stop(running: dict[str, subprocess.Popen[bytes]], asked: _Asked) -> None:
    """Press Ctrl-C on every process, and kill what does not end."""
    for process in running.values():
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    end_s, patience = time.monotonic() + _PATIENCE_S, max(asked.times, 1)
    while any(process.poll() is None for process in running.values()):
        if time.monotonic() > end_s or asked.times > patience:
            break
        time.sleep(_POLL_S)
    for name, process in running.items():
        if process.poll() is None:
            print(f"{name} did not end and was killed", file=sys.stderr)
            process.kill()
            process.wait()
