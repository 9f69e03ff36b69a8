"""Float32 that is float32: without TF32, whichever of torch's settings somebody else has used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch

# What our convolutions and matrix products run on, as torch names it since 2.9; setting the matrix
# products of a GPU the old way sets those of a CPU too.
_OPERATIONS = (("cuda", "conv"), ("cuda", "matmul"), ("mkldnn", "matmul"))
_EXACT = "ieee"


class _Exactness:
    """Counts who wants exact products: the first one sets it, the last one puts it back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._depth = 0
        self._restore: Callable[[], None] = lambda: None

    def enter(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._restore = _make_exact()
            self._depth += 1

    def leave(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._restore()


_exactness = _Exactness()


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Keep a GPU from rounding float32 products to 10 bits (TF32), which moves keypoints.

    The settings are those of the process: whoever computes in another thread meanwhile has exact
    products too.
    """
    if device.type != "cuda":
        yield
        return
    _exactness.enter()
    try:
        yield
    finally:
        _exactness.leave()


def _make_exact() -> Callable[[], None]:
    """Switch TF32 off; return what puts everything back as it was.

    Torch has an older and a newer interface for this. It keeps both, compares them in each matrix
    product and stops where they differ, so matrix products have to be set through the old one,
    which sets both; a convolution looks at the newer one alone.
    """
    core: Any = torch._C
    if not hasattr(core, "_get_fp32_precision_getter"):  # torch before 2.9
        return _make_exact_the_old_way()
    get, put = core._get_fp32_precision_getter, core._set_fp32_precision_setter
    before = [get(*operation) for operation in _OPERATIONS]
    for operation in _OPERATIONS:
        put(*operation, _EXACT)
    # Only now the old interface surely answers: it does not where the two differ.
    matmul = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")

    def restore() -> None:
        torch.set_float32_matmul_precision(matmul)
        for operation, value in zip(_OPERATIONS, before, strict=True):
            put(*operation, value)

    return restore


def _make_exact_the_old_way() -> Callable[[], None]:
    cudnn = torch.backends.cudnn
    matmul, conv = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = False

    def restore() -> None:
        torch.set_float32_matmul_precision(matmul)
        cudnn.allow_tf32 = conv

    return restore
