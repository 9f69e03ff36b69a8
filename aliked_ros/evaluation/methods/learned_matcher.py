"""METHOD+lightglue: features of ALIKED, paired by LightGlue instead of by nearest neighbours."""

from __future__ import annotations

from dataclasses import replace

from aliked_ros.config import MatcherConfig
from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget, Method, MethodError
from aliked_ros.network.lightglue_weights import descriptor_length
from aliked_ros.network.released import LIGHTGLUE, find_weights

SUFFIX = "+lightglue"
# Length of the descriptors -> the models that have it.
MODELS = {
    64: ("aliked-t16",),
    128: ("aliked-n16", "aliked-n16rot", "aliked-n32"),
}


def open_with_matcher(spec: str, budget: Budget) -> Method:
    """Return a method by its name, which may end in SUFFIX or SUFFIX:FILE, other weights.

    Raises:
        MethodError: as `open_method` does, or if LightGlue cannot take the features.
        WeightsError: if LightGlue's weights are not found.
    """
    name, suffix, weights = spec.partition(SUFFIX)
    if not suffix:
        return open_method(spec, budget)
    if weights and not (weights.startswith(":") and len(weights) > 1):
        raise MethodError(f"method is {spec!r}: give {name}{SUFFIX}, or {name}{SUFFIX}:FILE")
    path = find_weights(LIGHTGLUE, weights[1:])
    method = open_method(name, budget)
    length = descriptor_length(weights[1:])
    models = MODELS.get(length, ())
    if method.model not in models:
        given = ", ".join(f"{model}{SUFFIX}{weights}" for model in models) or "other weights"
        raise MethodError(
            f"method is {spec!r}: LightGlue's weights are for ALIKED's descriptors of {length} "
            f"numbers; give {given}"
        )
    label = f"{SUFFIX}:{path.name}" if weights else SUFFIX
    # Its features are those of the plain method: they share a folder of the cache.
    matcher = MatcherConfig(kind="lightglue", weights=weights[1:])
    return replace(method, name=method.name + label, matcher=matcher)
