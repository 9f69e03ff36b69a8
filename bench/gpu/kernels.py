"""The kernels one by one: their launches in a frame, other cuts, and compiling all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from aliked_ros.inference.cuda import launching
from aliked_ros.inference.cuda.matching import match_descriptors
from aliked_ros.inference.cuda.stages import TritonStages
from aliked_ros.inference.cuda.tuning import Tuning
from aliked_ros.inference.frame import Frame
from aliked_ros.inference.stages import Geometry, run_stages
from aliked_ros.network.weights import load_network
from gpu.settings import Settings

STAGE_OF = {
    "image": "first", "block1": "first", "block2_first": "second", "block2_second": "second",
    "offsets3": "third", "deform3": "third", "offsets4": "fourth", "deform4": "fourth",
    "project": "fourth", "add_levels": "score", "planes": "score", "peaks": "detect",
    "select": "detect", "order": "detect", "patches": "describe", "offsets": "describe",
    "samples": "describe", "aggregate": "describe", "normalise": "describe",
}  # fmt: skip


def _cuts(blocks: Sequence[int], warps: Sequence[int], stages: Sequence[int] = (1,), **more: Any):
    return [
        {"block": b, "num_warps": w, "num_stages": s, **more}
        for b in blocks for w in warps for s in stages
    ]  # fmt: skip


VARIANTS: dict[str, list[dict[str, int]]] = {
    "block1": [*_cuts((64, 128), (4,), (2, 3)), *_cuts((128, 256), (8,), (2, 3)),
               *_cuts((128,), (4,), (1,)), *_cuts((256,), (4,), (3,))],
    "image": _cuts((64, 128, 256), (4, 8)),
    "block2_first": [*_cuts((64, 128), (4,), (2, 3)), *_cuts((128, 256), (8,), (3,))],
    "block2_second": [*_cuts((64, 128), (4,), (1, 2, 3)), *_cuts((128, 256), (8,), (2,))],
    "offsets3": [*_cuts((16,), (2, 4), (3, 4)), *_cuts((32,), (2, 4), (3, 4)),
                 *_cuts((64,), (4,), (3,))],
    "deform3": [*_cuts((16,), (2, 4, 8)), *_cuts((32,), (4, 8))],
    "offsets4": [*_cuts((16,), (1, 2, 4), (2, 3, 4))],
    "deform4": [{"block": 16, "chunk": c, "num_warps": w, "num_stages": 1}
                for c in (16, 32, 64) for w in (2, 4, 8)],
    "samples": [*_cuts((16, 32), (4,)), *_cuts((32, 64), (8,)), *_cuts((16,), (2,))],
    "aggregate": [{"block": b, "num_parts": p, "depth": d, "num_warps": 4, "num_stages": 3}
                  for b, p, d in ((16, 4, 64), (16, 8, 64), (32, 8, 32), (32, 8, 64), (32, 16, 64),
                                  (64, 16, 32), (64, 16, 64))],
    "patches": _cuts((16, 32, 64), (4, 8)),
    "offsets": [{"block": 16, "depth": d, "num_warps": w, "num_stages": s}
                for d in (64, 128) for w in (2, 4) for s in (3, 4)],
    "add_levels": _cuts((64, 128, 256, 512), (4,)),
    "planes": _cuts((128, 256, 512, 1024), (4,)),
    "peaks": _cuts((128, 256, 512, 1024), (4,)),
    "select": [{"num_own": o, "num_others": n, "num_warps": 4}
               for o in (4, 8, 16) for n in (256, 512, 1024)],
    "order": [{"num_own": o, "num_others": n, "num_warps": 4}
              for o in (8, 16) for n in (512, 1024)],
    "project": _cuts((16,), (2, 4, 8)),
    "normalise": _cuts((2, 4, 8), (4,)),
}  # fmt: skip
MATCHING_CUTS: list[dict[str, int]] = [
    {"block": b, "depth": d, "wide": w, "num_warps": n, "num_stages": s}
    for b, d, w, n, s in ((64, 32, 1024, 4, 3), (64, 64, 1024, 4, 2), (128, 32, 512, 8, 3),
                          (128, 32, 2048, 8, 3), (128, 64, 1024, 8, 2), (128, 32, 1024, 4, 3))
]  # fmt: skip


Task = tuple[str, str, tuple[str, ...], dict[str, int]]


def tasks(is_dry: bool) -> list[Task]:
    """Return (model, type, launches, choice) of everything that is to be compiled."""
    if is_dry:
        return [("aliked-t16", "float32", tuple(STAGE_OF), {})]
    names = list(STAGE_OF)
    kinds = [(m, t) for m in ("aliked-n16", "aliked-t16") for t in ("float32", "float16")]
    kinds += [("aliked-n32", "float32"), ("aliked-n32", "float16")]
    whole = [(*kind, tuple(names[i::8]), {}) for kind in kinds for i in range(8)]
    varied = [
        ("aliked-n16", "float32", (name,), cut) for name, cuts in VARIANTS.items() for cut in cuts
    ]
    matching = [("aliked-n16", "matching", ("match",), cut) for cut in ({}, *MATCHING_CUTS)]
    return [*whole, *matching, *varied]


@cache
def memory(settings: Settings, batch: int = 1, channels: int = 3, dim: int = 128) -> Frame:
    """Return memory that holds the image."""
    frame = Frame(
        Geometry(batch, *settings.size, channels), settings.num_keypoints, dim,
        torch.device(settings.device), False,
        lambda num_bytes: torch.zeros(num_bytes, dtype=torch.uint8),
    )  # fmt: skip
    frame.fill([settings.image(channels)] * batch, settings.num_keypoints, 0.0)
    frame.upload()
    return frame


@cache
def fused(settings: Settings, model: str) -> Any:
    """Return a network for inference, on the device."""
    network, _ = load_network(model, settings.weights(model))
    return network.fuse().to(settings.device)


def compile_one(settings: Settings, task: Task) -> str:
    """Run some launches of a frame once, with another cut or not; return an error or ""."""
    model, dtype, names, cut = task
    launches: list[str] = []
    overrides = {name: cut for name in names if cut}

    def only(name: str, *given: Any) -> None:
        if name in names:
            launches.append(name)
            launching.run(name, *given)

    launching.start = only
    try:
        _start_all(settings, model, dtype, overrides)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    finally:
        launching.start = launching.run
    return "" if launches else "nothing was launched"


@torch.no_grad()
def _start_all(settings: Settings, model: str, dtype: str, overrides: Tuning) -> None:
    if dtype == "matching":
        rows = torch.nn.functional.normalize(torch.randn(300, 128), dim=1).to(settings.device)
        match_descriptors(rows, rows, 0.0, overrides)
    else:
        network = fused(settings, model)
        stages = TritonStages(network, getattr(torch, dtype), overrides)
        frame = memory(settings, dim=network.dim)
        run_stages(stages, frame.pixels, frame.geometry, frame.controls, frame.outputs)
    if settings.device == "cuda":
        torch.cuda.synchronize()


@torch.no_grad()
def record_launches(stages: Any, frame: Frame) -> list[tuple[str, Any]]:
    """Run a frame; return (name, what starts it again) of every launch."""
    found = []

    def note(name: str, *given: Any) -> None:
        launching.run(name, *given)
        found.append((name, lambda: launching.run(name, *given)))

    launching.start = note
    try:
        frame.upload()
        run_stages(stages, frame.pixels, frame.geometry, frame.controls, frame.outputs)
    finally:
        launching.start = launching.run
    return found
