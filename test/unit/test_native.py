"""How kernels are found and called."""

import ctypes
import logging

import numpy as np
import pytest

from aliked_ros import native


@pytest.fixture
def fresh():
    """Without what was loaded before."""
    native.load_library.cache_clear()
    yield
    native.load_library.cache_clear()


def test_a_build_that_is_absent_is_said_once_and_python_goes_on(fresh, monkeypatch, caplog):
    def absent(build):
        raise OSError(f"libaliked_kernels_{build}.so: cannot open shared object file")

    monkeypatch.setattr(native, "open_library", absent)
    with caplog.at_level(logging.WARNING):
        assert native.load_library() is None
        assert native.load_library() is None
    assert [record.message.count("cannot open shared object") for record in caplog.records] == [1]


def test_the_build_fits_the_processor(fresh, monkeypatch):
    monkeypatch.setattr(native, "open_library", lambda build: build)
    for capability, build in (("AVX512", "x86-64-v4"), ("AVX2", "x86-64-v3"), ("DEFAULT", "riscv")):
        monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda c=capability: c)
        monkeypatch.setattr("platform.machine", lambda: "riscv")
        native.load_library.cache_clear()
        assert native.load_library() == build


def test_arrays_go_as_pointers_and_numbers_as_those_of_c():
    class Library:
        @staticmethod
        def aliked_scale(*given):
            types.extend(type(value) for value in given)
            pointer = ctypes.cast(given[0], ctypes.POINTER(ctypes.c_double))
            pointer[1] = given[2].value
            return 7

    types = []
    values = np.zeros(3)
    assert native.call(Library, "scale", values, 3, 0.5, returns=ctypes.c_int) == 7
    assert types == [ctypes.c_void_p, ctypes.c_int, ctypes.c_double]
    np.testing.assert_array_equal(values, [0, 0.5, 0])


@pytest.mark.parametrize(
    ("convert", "dtype"), [(native.as_float64, np.float64), (native.as_float32, np.float32)]
)
def test_an_array_is_copied_only_if_it_has_to_be(convert, dtype):
    fitting = np.ones((3, 2), dtype)
    assert convert(fitting) is fitting
    for other in (fitting.T, fitting.astype(np.int32)):
        converted = convert(other)
        assert converted.dtype == dtype
        assert converted.flags.c_contiguous
        np.testing.assert_array_equal(converted, other)
