"""METHOD+lightglue: features of ALIKED, paired by LightGlue instead of by nearest neighbours."""

from __future__ import annotations

from dataclasses import replace

from aliked_ros.config import MatcherConfig
from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget, Method, MethodError
from aliked_ros.network.released import LIGHTGLUE, find_weights

SUFFIX = "+lightglue"
MODELS = ("aliked-n16", "aliked-n16rot", "aliked-n32")  # whose descriptors have its 128 numbers


def open_with_matcher(spec: str, budget: Budget) -> Method:
    """Return a method by its name, which may end in SUFFIX.

    Raises:
        MethodError: as `open_method` does, or if LightGlue cannot take the features.
        WeightsError: if LightGlue's weights are not found.
    """
    if not spec.endswith(SUFFIX):
        return open_method(spec, budget)
    method = open_method(spec.removesuffix(SUFFIX), budget)
    if method.model not in MODELS:
        raise MethodError(
            f"method is {spec!r}: LightGlue's weights are for ALIKED's descriptors of 128 numbers; "
            f"give {', '.join(model + SUFFIX for model in MODELS)}"
        )
    find_weights(LIGHTGLUE)
    # Its features are those of the plain method: they share a folder of the cache.
    return replace(method, name=method.name + SUFFIX, matcher=MatcherConfig(kind="lightglue"))
