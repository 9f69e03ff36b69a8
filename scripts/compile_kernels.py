"""Compile the Triton kernels for cards that need not be here; print what each needs.

    python3 scripts/compile_kernels.py --model aliked-n16 --target 75 87 90 120

Of each launch of a frame: registers of a thread, bytes that spill to memory, shared memory of a
program, seconds to compile. A program that spills or needs more shared memory than the card has
is marked. Needs triton, no GPU.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from aliked_ros.config import MODELS
from aliked_ros.extras import MissingPackageError, require

os.environ.pop("TRITON_INTERPRET", None)  # what is interpreted cannot be compiled
try:
    require("triton", extra="gpu", feature="compile_kernels")
except MissingPackageError as error:
    print(f"compile_kernels: {error}", file=sys.stderr)
    sys.exit(2)

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from aliked_ros.inference.cuda import launching
from aliked_ros.inference.cuda.matching import match_descriptors
from aliked_ros.inference.cuda.stages import TritonStages
from aliked_ros.inference.cuda.tuning import choices
from aliked_ros.inference.stages import Controls, Geometry, Outputs, run_stages
from aliked_ros.network.aliked import ALIKED

SHARED_KB = {75: 64, 80: 163, 86: 99, 87: 163, 89: 99, 90: 227, 100: 227, 120: 99}
_TYPES = {
    torch.float32: "*fp32", torch.float16: "*fp16", torch.int32: "*i32", torch.int64: "*i64",
    torch.int8: "*i8", torch.uint8: "*u8",
}  # fmt: skip
_OPTIONS = ("num_warps", "num_stages")


def record_launches(model: str, dtype: torch.dtype, batch: int = 1) -> list[tuple[Any, ...]]:
    """Return (name, kernel, grid, arguments, settings) of every launch of a 640x480 frame."""
    with torch.device("meta"):
        network = ALIKED(model).eval()
    stages = TritonStages(network.fuse(), dtype)
    geometry = Geometry(batch, 480, 640, 3)
    launches: list[tuple[Any, ...]] = []
    launching.start = lambda *given: launches.append(given)
    pixels = torch.empty((batch, 480, 640, 3), dtype=torch.uint8, device="meta")
    controls, outputs = memory(batch, 1024, network.dim)
    run_stages(stages, pixels, geometry, controls, outputs)
    descriptors = torch.empty((2048, network.dim), device="meta")
    with suppress(NotImplementedError, RuntimeError):  # the count of matches cannot be read
        match_descriptors(descriptors, descriptors, 0.0)
    return launches


def memory(batch: int, capacity: int, dim: int) -> tuple[Controls, Outputs]:
    """Return tensors without memory for the rest of a frame."""

    def new(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device="meta")

    count = new(batch, dtype=torch.int32)
    controls = Controls(new(1), new(1, dtype=torch.int32), count, count)
    outputs = Outputs(count, new(batch), new(batch, capacity, 2), new(batch, capacity),
                      new(batch, capacity), new(batch, capacity, dim))  # fmt: skip
    return controls, outputs


def describe_arguments(
    kernel: Any, arguments: tuple[Any, ...], settings: dict[str, Any]
) -> tuple[dict[str, str], dict[tuple[int, ...], Any], dict[tuple[int, ...], Any]]:
    """Return signature, constants and alignments as Triton's compiler takes them."""
    names = kernel.arg_names
    given = dict(zip(names, arguments, strict=False)) | settings
    signature, constants, aligned = {}, {}, {}
    for place, name in enumerate(names):
        value = given[name]
        if name in settings or value is None:
            signature[name], constants[(place,)] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[name] = _TYPES[value.dtype]
            aligned[(place,)] = [["tt.divisibility", 16]]
        else:
            signature[name] = "fp32" if isinstance(value, float) else "i32"
    return signature, constants, aligned


def compile_for(kernel: Any, arguments: tuple[Any, ...], settings: dict[str, Any], target: int):
    """Return Triton's compiled form of a launch for a compute capability, as 90."""
    options = {name: settings[name] for name in _OPTIONS if name in settings}
    settings = {name: value for name, value in settings.items() if name not in _OPTIONS}
    if target < 80 and settings.get("precision"):
        settings["precision"] = "ieee"
    signature, constants, aligned = describe_arguments(kernel, arguments, settings)
    source = ASTSource(kernel, signature, constants, aligned)
    return triton.compile(source, target=GPUTarget("cuda", target, 32), options=options)


def resources(compiled: Any) -> tuple[int, int]:
    """Return registers of a thread, and bytes of its stack and local memory."""
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        text = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True,
                              text=True, check=True).stdout  # fmt: skip
    numbers = [dict(re.findall(r"(REG|STACK|LOCAL):(\d+)", line)) for line in text.splitlines()]
    found = next(n for n in numbers if "REG" in n)
    return int(found["REG"]), int(found["STACK"]) + int(found["LOCAL"])


def main() -> int:
    """Parse the command line, compile, print; 1 if something does not fit or does not compile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["aliked-n16"], choices=MODELS)
    parser.add_argument("--target", nargs="+", type=int, default=[75, 87, 90, 120])
    parser.add_argument("--precision", nargs="+", default=["float32", "float16"])
    parser.add_argument("--launch", nargs="+", default=list(choices()), help="all without it")
    options = parser.parse_args()
    if unknown := sorted(set(options.launch) - set(choices())):
        parser.error(f"no launch is called {unknown[0]}; there are {', '.join(choices())}")
    is_bad = False
    print(f"{'launch':14}{'kernel':22}{'model':>11}{'type':>9}{'sm':>5}{'registers':>10}{'spilled':>9}"
          f"{'shared KB':>11}{'warps':>7}{'s':>6}")  # fmt: skip
    for model in options.model:
        for name in options.precision:
            launches = record_launches(model, getattr(torch, name))
            launches = [one for one in launches if one[0] in options.launch]
            for launch_name, kernel, _, arguments, settings in launches:
                for target in options.target:
                    start = time.perf_counter()
                    compiled = compile_for(kernel, arguments, settings, target)
                    registers, spilled = resources(compiled)
                    shared = compiled.metadata.shared / 1024
                    fits = shared <= SHARED_KB.get(target, 99)
                    is_bad |= not fits
                    print(f"{launch_name:14}{kernel.__name__:22}{model:>11}{name:>9}{target:>5}{registers:>10}"
                          f"{spilled:>9}{shared:>11.1f}{settings['num_warps']:>7}"
                          f"{time.perf_counter() - start:>6.1f}"
                          f"{'' if fits else '  too much shared memory'}"
                          f"{'  spills' if spilled else ''}", flush=True)  # fmt: skip
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
