"""The compiled kernels of `src/`: the build for this processor, and how to call it."""

from __future__ import annotations

import ctypes
import logging
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.structs import AnyArray

_log = logging.getLogger(__name__)
_scope = threading.local()  # of one_torch_thread

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
        _log.warning(
            "there are no compiled kernels: plain Python and torch run on the CPU, two to seven "
            "times slower. Install a C++ compiler and then aliked_ros again (%s)",
            error,
        )
        return None


def open_library(build: str) -> ctypes.CDLL:
    """Load a build of the kernels.

    It lies where the linker looks ($LD_LIBRARY_PATH) in an activated shell, in this package after
    `pip install`, and in `install/` beside a source tree that was built.

    Raises:
        OSError: if there is none.
    """
    name = f"libaliked_kernels_{build}.so"
    package = Path(__file__).resolve().parent
    places = (package / "lib" / name, package.parent / "install" / "aliked_ros" / "lib" / name)
    try:
        library = ctypes.CDLL(name)
    except OSError:
        found = [place for place in places if place.exists()]
        if not found:
            raise
        library = ctypes.CDLL(str(found[0]))
    with one_torch_thread() as num_threads:  # perhaps in the scope of another one
        library.aliked_use_threads(num_threads)
    return library


@contextmanager
def one_torch_thread() -> Iterator[int]:
    """Run torch's operations in the calling thread alone, other threads' as before.

    Its threads would wait for each other at every operation, however busy the cores are. Ours do
    not, and what torch does between our kernels is too short to be shared.

    Yields:
        the number of threads that torch would have used, for our own loops.
    """
    import torch

    outer = getattr(_scope, "num_threads", None)
    if outer is not None:
        yield outer
        return
    _scope.num_threads = torch.get_num_threads()
    undo = [(setter, setter(1)) for setter in _thread_setters()]
    try:
        yield _scope.num_threads
    finally:
        for setter, old in undo:
            setter(old)
        _scope.num_threads = None


@cache
def _thread_setters() -> tuple[Callable[[int], int], ...]:
    """Return what sets the number of threads of the calling thread, and returns that before."""
    import torch

    libraries = Path(torch.__file__).parent / "lib"
    own = sorted(libraries.glob("libgomp*.so*"))
    try:
        openmp = ctypes.CDLL(str(own[0]) if own else "libgomp.so.1")
    except OSError:
        return ()

    def set_openmp(count: int) -> int:
        before = torch.get_num_threads()
        openmp.omp_set_num_threads(count)
        return before

    before = set_openmp(torch.get_num_threads() + 1)
    is_torchs = torch.get_num_threads() == before + 1
    set_openmp(before)
    if not is_torchs:  # it is built with another one
        return ()
    try:
        # Its products do not ask OpenMP once torch.set_num_threads() was called.
        return set_openmp, ctypes.CDLL(str(libraries / "libtorch_cpu.so")).MKL_Set_Num_Threads_Local
    except (OSError, AttributeError):
        return (set_openmp,)


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
