"""Fuzzed messages on every topic, then a soak; prints sums that must be exact: `make soak`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.signals import SignalHandlerOptions
from running_nodes import Probe, Processes
from soak.frames import soak
from soak.fuzz import MODES, fuzz


def main() -> int:
    """Return 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=12_000, help="fuzzed, all modes together")
    parser.add_argument("--frames", type=int, default=20_000, help="of the soak")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults: list[str] = []
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ROS_LOG_DIR"] = folder
        processes = Processes(Path(folder), dict(os.environ))
        try:
            for name in MODES if options.messages else ():
                faults += _run_fuzz(name, options, processes, Path(folder))
            if options.frames:
                faults += _run_soak(options, processes)
        finally:
            processes.end()
    for fault in faults:
        print(f"FAULT {fault}")
    print("all sums are exact" if not faults else f"{len(faults)} faults")
    return bool(faults)


def _run_fuzz(
    name: str, options: argparse.Namespace, processes: Processes, folder: Path
) -> list[str]:
    more = {"output_dir": folder / "out"} if name == "recorder" else {}
    probe = _start_probe()
    try:
        num = -(-options.messages // len(MODES))
        outcome = fuzz(name, num, options.seed, processes, probe, **more)
    finally:
        _end_probe(probe)
    print(
        f"{name}: sent {outcome.num_sent}, {outcome.sum}; {outcome.num_good_answered} good frames "
        f"answered at the end; exit code {outcome.exit_code}",
        flush=True,
    )
    return [f"{name}: {fault}" for fault in outcome.faults]


def _run_soak(options: argparse.Namespace, processes: Processes) -> list[str]:
    probe = _start_probe()
    try:
        report = soak(options.frames, options.seed, processes, probe)
    finally:
        _end_probe(probe)
    print(f"soak: sent {report.num_sent}, states {report.states}, exit code {report.exit_code}")
    for node, counted in report.sums.items():
        print(f"  {node}: {counted}; {counted.lost} sent and not received")
    print("  memory " + " -> ".join(f"{mb:.0f} MB" for mb in report.memory_mb), flush=True)
    return [f"soak: {fault}" for fault in report.faults]


def _start_probe() -> Probe:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    probe = Probe()
    probe.listen(DiagnosticArray, "/diagnostics")
    return probe


def _end_probe(probe: Probe) -> None:
    probe.end()
    rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
