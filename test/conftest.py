"""Fixtures that every kind of test uses: shared data and small seeded networks; no ROS."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aliked_ros.config import ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.network.aliked import ALIKED

REPOSITORY = Path(__file__).resolve().parent.parent

if not torch.cuda.is_available():
    # Triton interprets its kernels; it looks at this when it is imported, by torch or by us.
    os.environ["TRITON_INTERPRET"] = "1"

# A shell starts `make test &` with Ctrl-C ignored, and the tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Images here are small, and threads that wait for each other cost more than they save."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data, $ALIKED_SHARED or ../shared beside the repository."""
    folder = Path(os.environ.get("ALIKED_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared data: {folder} is absent; set ALIKED_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def weights_dir(shared: Path) -> Path:
    """The folder of the authors' released checkpoints."""
    folder = shared / "weights"
    if not (folder / "aliked-n16.pth").is_file():
        pytest.skip(f"no released weights: {folder} has no aliked-n16.pth")
    return folder


@pytest.fixture(scope="session")
def golden_dir(shared: Path) -> Path:
    """The folder of outputs of the authors' network."""
    folder = shared / "golden"
    if not folder.is_dir():
        pytest.skip(f"no stored outputs of the authors' network: {folder} is absent")
    return folder


@pytest.fixture
def hide_package(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package unimportable, as if it were not installed."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture(scope="session")
def seeded_network() -> ALIKED:
    """A small untrained network in evaluation mode; do not change it."""
    return ALIKED.from_seed("aliked-t16", 0).eval()


@pytest.fixture(scope="session")
def seeded_extractor() -> Extractor:
    """A small untrained extractor on the CPU, with at most 100 keypoints per image."""
    return Extractor(
        ExtractorConfig(model="aliked-t16", weights="seed:0", device="cpu", max_keypoints=100)
    )


@pytest.fixture(scope="session")
def textured_image() -> NDArray[np.uint8]:
    """An image (96, 128, 3) of smooth random blobs."""
    generator = np.random.default_rng(0)
    coarse = torch.from_numpy(generator.random((1, 3, 24, 32), dtype=np.float32))
    fine = torch.nn.functional.interpolate(coarse, size=(96, 128), mode="bicubic")
    pixels = fine[0].permute(1, 2, 0).clamp(0, 1).mul(255).to(torch.uint8)
    return np.ascontiguousarray(pixels.numpy())
