"""The steps, each a function of the settings and the notebook; its result is the step's status."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from pathlib import Path
from typing import Any

import torch

from aliked_ros.inference.cuda.matching import match_descriptors
from aliked_ros.inference.cuda.stages import TritonStages
from aliked_ros.matching import mutual_nearest_neighbours
from gpu import kernels, peers
from gpu.settings import MODELS, Settings
from gpu.timing import device_us, in_turns, summary, wait

REPOSITORY = Path(__file__).resolve().parents[2]


def machine(settings: Settings, notes: Any) -> str:
    """Note where this runs."""
    import triton

    notes.put("machine", "torch", torch.__version__)
    notes.put("machine", "triton", triton.__version__)
    notes.put("machine", "python", platform.python_version())
    notes.put("machine", "processors", os.cpu_count())
    if torch.cuda.is_available():
        notes.put("machine", "gpu", torch.cuda.get_device_name())
        notes.put("machine", "capability", torch.cuda.get_device_capability())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY,
                            capture_output=True, text=True, check=False)  # fmt: skip
    notes.put("machine", "commit", commit.stdout.strip())
    return "ok"


def compile(settings: Settings, notes: Any) -> str:
    """Fill Triton's cache with everything that is measured later."""
    wanted = kernels.tasks(settings.is_dry)
    work = partial(kernels.compile_one, settings)
    if settings.workers:
        problems = _in_processes(work, wanted, settings.workers, min(50.0, notes.left_s - 30))
    else:
        problems = [work(task) for task in wanted]
    failed = {str(task): why for task, why in zip(wanted, problems, strict=True) if why}
    notes.put("compile", "tasks", len(wanted))
    notes.put("compile", "failed", failed)
    return "ok" if not failed else f"{len(failed)} of {len(wanted)} failed"


def _in_processes(work: Any, wanted: list[Any], workers: int, limit_s: float) -> list[str]:
    """Do the work on each in processes of their own; a crash ends only what it must."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    futures = [pool.submit(work, one) for one in wanted]
    wait_for(futures, timeout=limit_s)
    problems = []
    for future in futures:
        if not future.done():
            problems.append("not done in time")
        else:
            error = future.exception()
            problems.append(str(error) if error else future.result())
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    return problems


def correct(settings: Settings, notes: Any) -> str:
    """Compare keypoints with what the authors' network found, and each stage with plain torch."""
    for model in MODELS[:1] if settings.is_dry else MODELS:
        for precision in ("float32", "float16"):
            notes.attempt(
                "correct", f"{model} {precision}", peers.parity, settings, model, precision
            )
    return "ok"


def calls(settings: Settings, notes: Any) -> str:
    """Time whole calls, image in host memory to features in host memory, beside kornia."""
    image = settings.image()
    for model in MODELS[:1] if settings.is_dry else ("aliked-n16", "aliked-t16"):
        extractors = {
            "float32": settings.extractor(model),
            "float16": settings.extractor(model, precision="float16"),
            "plain torch": settings.extractor(model, backend="torch"),
        }
        for name, extractor in extractors.items():
            start_s = time.perf_counter()
            found = len(extractor(image))
            notes.put("calls", f"{model} {name}", {
                "backend": extractor.backend, "left_out": extractor.left_out,
                "keypoints": found, "first_ms": (time.perf_counter() - start_s) * 1e3,
            })  # fmt: skip
        runs = {name: partial(extractor, image) for name, extractor in extractors.items()}
        if peer := peers.kornia(settings, model):
            runs["kornia"] = partial(peer, image)
        plain = {name: run for name, run in runs.items() if name in ("plain torch", "kornia")}
        fast = {name: run for name, run in runs.items() if name not in plain}
        times = in_turns(fast, settings.repeats * 3, 3.0) | in_turns(plain, settings.repeats, 3.0)
        # All in turns too, so that the ratio holds whatever else the machine does.
        turns = in_turns(runs, settings.repeats // 2, 3.0)
        notes.put("calls", f"{model} ms", times)
        notes.put("calls", f"{model} ms in turns", turns)
        if peer:
            ratio = turns["kornia"]["median"] / turns["float32"]["median"]
            notes.put("calls", f"{model} kornia / float32", ratio)
    return "ok"


def launches(settings: Settings, notes: Any) -> str:
    """Time each launch of a frame alone, ten times in a row within a graph."""
    for model, dtype in (
        ("aliked-n16", "float32"),
        ("aliked-n16", "float16"),
        ("aliked-t16", "float32"),
    ):
        network = kernels.fused(settings, model)
        stages = TritonStages(network, getattr(torch, dtype))
        frame = kernels.memory(settings, dim=network.dim)
        found = kernels.record_launches(stages, frame)
        alone = []
        for name, run in found:
            kernels.record_launches(stages, frame)  # repeating a launch has left other counts
            alone.append((name, device_us(run)))
        notes.put("launches", f"{model} {dtype}", {
            "number": len(found), "sum_us": sum(us for _, us in alone),
            "us": [f"{name} {us:.1f}" for name, us in alone],
        })  # fmt: skip
        if settings.is_dry:
            break
    return "ok"


def profile(settings: Settings, notes: Any) -> str:
    """Note what the device does in a whole call, as torch's profiler sees it."""
    if settings.is_dry:
        return "needs a GPU"
    image = settings.image()
    for precision in ("float32", "float16"):
        extractor = settings.extractor("aliked-n16", precision=precision)
        for _ in range(3):
            extractor(image)
        activities = [torch.profiler.ProfilerActivity.CUDA, torch.profiler.ProfilerActivity.CPU]
        with torch.profiler.profile(activities=activities) as watch:
            for _ in range(10):
                extractor(image)
            wait()
        notes.put("profile", precision, peers.summarise_profile(watch, 10))
    return "ok"


def matching(settings: Settings, notes: Any) -> str:
    """Time mutual nearest neighbours, and compare them with plain torch on the CPU."""
    for num in (64,) if settings.is_dry else (1000, 2048, 4096):
        first, second = peers.descriptor_pair(num, settings.device)
        times = in_turns({"kernels": partial(match_descriptors, first, second, 0.0),
                          "as called": partial(mutual_nearest_neighbours, first, second),
                          "product": lambda a=first, b=second: a @ b.T}, 150, 1.0)  # fmt: skip
        expected, _ = mutual_nearest_neighbours(first.cpu(), second.cpu())
        found, _ = match_descriptors(first, second, 0.0)
        notes.put("matching", str(num), {
            "same": torch.equal(found.cpu(), expected), "matches": len(expected), "ms": times,
        })  # fmt: skip
    return "ok"


def batches(settings: Settings, notes: Any) -> str:
    """Time batches, and compare each image with itself alone, bit by bit."""
    image = settings.image()
    images = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]] * 2
    for precision in ("float32", "float16"):
        extractor = settings.extractor("aliked-n16", precision=precision)
        alone = [extractor(one) for one in images[:4]]
        for batch in (1, 2, 4, 8):
            together = extractor.extract_all(images[:batch])
            same = all(
                torch.equal(one.keypoints, other.keypoints)
                and torch.equal(one.descriptors, other.descriptors)
                for one, other in zip(together, alone * 2, strict=False)
            )
            times = in_turns({"ms": partial(extractor.extract_all, images[:batch])}, 30, 0.8)["ms"]
            notes.put("batches", f"{precision} {batch}", {
                "ms_per_image": times["median"] / batch, "same_as_alone": same,
            })  # fmt: skip
        if settings.is_dry:
            break
    return "ok"


def memory(settings: Settings, notes: Any) -> str:
    """Note the memory for one size, and whether it grows with sizes, keypoints and thresholds."""
    if settings.is_dry:
        return "needs a GPU"
    from dataclasses import replace

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    extractor = settings.extractor("aliked-n16")
    image = settings.image()
    extractor(image)
    notes.put("memory", "one size", _memory_mib())
    for number in range(30):
        changed = replace(extractor.config, max_keypoints=1024 - 20 * number,
                          detection_threshold=0.01 * number)  # fmt: skip
        extractor.reconfigure(changed)
        extractor(image)
    notes.put("memory", "30 settings", _memory_mib())
    for number in range(12):
        extractor(image[: 480 - 16 * number, : 640 - 16 * number])
    notes.put("memory", "12 more sizes", _memory_mib())
    times = []
    for number in range(200):
        one = image[: 480 - 16 * (number % 12)]
        start_s = time.perf_counter()
        extractor(one)
        times.append((time.perf_counter() - start_s) * 1e3)
    notes.put("memory", "200 frames of 12 sizes", _memory_mib() | {"ms": summary(times)})
    return "ok"


def _memory_mib() -> dict[str, int]:
    return {
        "allocated_mib": torch.cuda.memory_allocated() >> 20,
        "reserved_mib": torch.cuda.memory_reserved() >> 20,
        "peak_mib": torch.cuda.max_memory_allocated() >> 20,
    }


def variants(settings: Settings, notes: Any) -> str:
    """Time every launch with other cuts; each is compared with plain torch as well."""
    return peers.try_variants(settings, notes)


def tests(settings: Settings, notes: Any) -> str:
    """Run the tests that wait for a GPU."""
    if settings.is_dry:
        return "needs a GPU"
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider",
               "test/unit/test_extractor_cuda.py", "test/unit/inference/cuda"]  # fmt: skip
    # Into a file: what was said before the time is up is kept.
    log = notes.folder / "tests.txt"
    with log.open("w") as file, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, cwd=REPOSITORY, stdout=file, stderr=subprocess.STDOUT,
                       timeout=max(notes.left_s - 3, 8), check=False)  # fmt: skip
    lines = log.read_text().splitlines()
    failures = [line for line in lines if line.startswith(("FAILED", "ERROR", "E  "))]
    notes.put("tests", "failures", failures[:40])
    return lines[-1] if lines else "nothing was said"
