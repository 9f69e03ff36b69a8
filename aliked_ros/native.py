"""The compiled kernels of `src/`: the build for this processor, and how to call it."""

from __future__ import annotations

import ctypes
import logging
import platform
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.structs import AnyArray

_log = logging.getLogger(__name__)

# torch's name for the widest vectors of an x86 processor, and the build that uses them.
_BUILDS = {"AVX512": "x86-64-v4", "AVX2": "x86-64-v3"}


@cache
def load_library() -> ctypes.CDLL | None:
    """Return the kernels built for this processor, or None where there are none."""
    import torch

    build = _BUILDS.get(torch.backends.cpu.get_cpu_capability(), platform.machine())
    try:
        return open_library(build)
    except OSError as error:
        _log.warning("plain Python and torch run on the CPU, two to seven times slower: %s", error)
        return None


def open_library(build: str) -> ctypes.CDLL:
    """Load a build of the kernels from where the linker looks ($LD_LIBRARY_PATH).

    Raises:
        OSError: if there is none.
    """
    _share_threads()
    return ctypes.CDLL(f"libaliked_kernels_{build}.so")


def _share_threads() -> None:
    """Let the kernels run on torch's OpenMP threads: two pools would fight for the cores."""
    import torch

    own = sorted(Path(torch.__file__).parent.glob("lib/libgomp*.so*"))
    ctypes.CDLL(str(own[0]) if own else "libgomp.so.1", mode=ctypes.RTLD_GLOBAL)


def call(library: ctypes.CDLL, name: str, *arguments: Any, returns: Any = None) -> Any:
    """Call a kernel; arrays go as pointers, Python's numbers as C's int and double.

    Args:
        library: of `load_library`.
        name: of the kernel, without "aliked_".
        arguments: contiguous arrays of the types that the kernel names, int or float.
        returns: the ctypes type of what it returns.
    """
    function = getattr(library, f"aliked_{name}")
    function.restype = returns
    return function(*[_argument(value) for value in arguments])


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    if isinstance(value, ctypes.c_float):
        return value
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_int(value)


def as_float64(values: AnyArray) -> AnyArray:
    """Return an array (...) as kernels take it: contiguous, float64; copied only if need be."""
    return np.ascontiguousarray(values, np.float64)


def as_float32(values: AnyArray) -> AnyArray:
    """Return an array (...) as kernels take it: contiguous, float32; copied only if need be."""
    return np.ascontiguousarray(values, np.float32)
