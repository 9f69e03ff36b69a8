"""What the steps have in common: sizes, data, extractors."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODELS = ("aliked-t16", "aliked-n16", "aliked-n16rot", "aliked-n32")


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        is_dry: without a GPU.
        shared: folder of weights/ and golden/, there or not.
        workers: processes that compile.
        size: (height, width) of the image that is timed, px.
        num_keypoints: found in it.
        repeats: of a call.
    """

    is_dry: bool
    shared: Path
    workers: int
    size: tuple[int, int]
    num_keypoints: int
    repeats: int

    @property
    def device(self) -> str:
        """As torch names it."""
        return "cpu" if self.is_dry else "cuda"

    def weights(self, model: str) -> str:
        """Return the released weights, or untrained ones where they are not at hand."""
        path = self.shared / "weights" / f"{model}.pth"
        return str(path) if path.is_file() else "seed:0"

    def extractor(self, model: str, **changes: Any) -> Any:
        """Return an extractor; a dry run has one of the same making, without a GPU."""
        from aliked_ros.config import ExtractorConfig
        from aliked_ros.extractor import Extractor

        given = {"max_keypoints": self.num_keypoints, "detection_threshold": 0.0} | changes
        if self.is_dry:
            given["precision"] = "float32"
        config = ExtractorConfig(
            model=model, weights=self.weights(model), device=self.device, **given
        )
        return Extractor(config)

    def image(self, channels: int = 3) -> Any:
        """Return the image (H, W, 3) or (H, W) that is timed."""
        import numpy as np
        import torch

        height, width = self.size
        path = self.shared / "golden" / "tum_desk.png"
        if path.is_file():
            import cv2

            bgr = cv2.resize(cv2.imread(str(path)), (width, height), interpolation=cv2.INTER_AREA)
            pixels = np.ascontiguousarray(bgr[:, :, ::-1])
        else:
            coarse = torch.rand(1, 3, height // 8, width // 8)
            fine = torch.nn.functional.interpolate(coarse, size=self.size, mode="bicubic")
            pixels = fine[0].permute(1, 2, 0).clamp(0, 1).mul(255).byte().contiguous().numpy()
        return pixels if channels == 3 else np.ascontiguousarray(pixels[:, :, 1])


def prepare(options: argparse.Namespace) -> Settings:
    """Set the environment up; before torch and triton are imported."""
    repository = Path(__file__).resolve().parents[2]
    carried = repository / ".gpu_check"
    folders = [options.shared, os.environ.get("ALIKED_SHARED", ""), str(carried / "shared"),
               str(repository.parent / "shared")]  # fmt: skip
    shared = next((Path(f) for f in folders if f and (Path(f) / "weights").is_dir()), Path("none"))
    os.environ["ALIKED_SHARED"] = str(shared)
    if options.dry:
        os.environ["TRITON_INTERPRET"] = "1"
        return Settings(True, shared, 0, (64, 96), 40, 2)
    wheels = Path(options.wheels or carried / "whl")
    if sorted(wheels.glob("*.whl")):
        install(wheels)
    # A folder of its own: what was cached before must not stand in for a compilation.
    os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp(prefix="aliked_cache_"))
    return Settings(False, shared, options.workers, (480, 640), 1024, 60)


def install(wheels: Path) -> None:
    """Make wheels importable, without their dependencies."""
    target = tempfile.mkdtemp(prefix="aliked_wheels_")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps",
               "--no-compile", "--target", target, *map(str, wheels.glob("*.whl"))]  # fmt: skip
    subprocess.run(command, check=False)
    sys.path.append(target)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", ""), target]
    )
