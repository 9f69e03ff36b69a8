"""A test runs with the compiled kernel and with its numpy reference."""

import pytest

from aliked_ros.native import load_library

BOTH = pytest.mark.parametrize(
    "with_compiled",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(load_library() is None, reason="the kernels are not built"),
        ),
    ],
    ids=["numpy", "compiled"],
)
