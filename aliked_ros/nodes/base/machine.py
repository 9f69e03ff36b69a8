"""What a node says about the machine that it runs on: memory and temperatures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.nodes.base.diagnostics import Diagnostics

if TYPE_CHECKING:
    import torch

ZONES = Path("/sys/class/thermal")


def show_machine(diagnostics: Diagnostics, device: torch.device) -> None:
    """Let diagnostics show the memory of the process and, if it uses one, of the GPU."""
    diagnostics.show("memory of the process (MB)", memory_mb)
    if hottest_deg_c() is not None:
        diagnostics.show("hottest zone (deg C)", lambda: f"{hottest_deg_c() or 0.0:.1f}")
    if device.type != "cuda":
        return
    from torch import cuda

    diagnostics.show("GPU memory (MB)", lambda: round(cuda.memory_reserved(device) * 1e-6))
    try:
        cuda.temperature(device)
    except Exception:  # it needs NVIDIA's management library, whose errors are its own
        return
    diagnostics.show("GPU temperature (deg C)", lambda: cuda.temperature(device))


def memory_mb() -> int:
    """Return the resident memory of this process, 10^6 bytes; 0 where Linux does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    sizes_kib = [int(line.split()[1]) for line in lines if line.startswith("VmRSS:")]
    return round(sizes_kib[0] * 1024e-6) if sizes_kib else 0


def hottest_deg_c(zones: Path = ZONES) -> float | None:
    """Return the highest temperature that the machine measures, or None if it measures none."""
    temperatures = []
    for path in zones.glob("thermal_zone*/temp"):
        try:
            temperatures.append(int(path.read_text()) * 1e-3)
        except (OSError, ValueError):  # a zone that is switched off
            continue
    return max(temperatures, default=None)
