"""Names on the command line -> methods: ALIKED, ALIKE, OpenCV's, kornia's, your own function."""

from __future__ import annotations

from importlib import import_module

from aliked_ros.evaluation.methods.method import FAMILIES, Budget, Method, MethodError, MethodName

# Those that need no file of the user's.
NAMES = tuple(name for family in ("aliked", "alike", "opencv") for name in FAMILIES[family])


def open_method(spec: str, budget: Budget) -> Method:
    """Return a method by its name.

    Args:
        spec: one of NAMES; "MODEL:FILE" for other weights of ALIKED or ALIKE; "disk:FILE" or
            "xfeat:FILE" for kornia's networks; "module:function" or "file.py:function" for a
            function of yours, which takes an (H, W, 3) RGB uint8 image and returns keypoints
            (N, 2), px, the top-left pixel's centre being (0, 0), and descriptors (N, D), best
            first, as arrays or tensors, or `Features`.
        budget: how many keypoints it may return, and where it runs.

    Raises:
        MethodError: if there is no such method, or something that it needs is missing.
    """
    name = MethodName(spec)
    # A family's module is imported when it is asked for: none pays for the others' networks.
    family = import_module(f"aliked_ros.evaluation.methods.{_family(name)}")
    method: Method = family.open_by_name(name, budget)
    return method


def _family(name: MethodName) -> str:
    """Return the module that opens a method."""
    family = next((family for family, models in FAMILIES.items() if name.model in models), "")
    if family and not (family == "opencv" and name.argument):
        return family
    if name.argument:
        return "function"
    raise MethodError(
        f"method is {name.text!r}: give one of {', '.join(NAMES)}, MODEL:FILE for other weights, "
        "disk:FILE, xfeat:FILE, or module:function"
    )
