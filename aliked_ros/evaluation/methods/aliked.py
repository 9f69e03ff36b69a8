"""ALIKED as this package runs it, with the released weights or others."""

from __future__ import annotations

from aliked_ros.config import ExtractorConfig
from aliked_ros.evaluation.methods.method import Budget, Method, MethodError, MethodName
from aliked_ros.extractor import Extractor
from aliked_ros.network.weights import PACKAGED


def open_by_name(name: MethodName, budget: Budget) -> Method:
    """Return "MODEL" with the released weights, or "MODEL:WEIGHTS" as in ExtractorConfig.

    Raises:
        MethodError: if the released weights are not found: a comparison takes no others.
    """
    config = ExtractorConfig(
        model=name.model,
        weights=name.argument,
        device=budget.device,
        max_keypoints=budget.max_keypoints,
        detection_threshold=budget.detection_threshold,
    )
    extractor = Extractor(config)
    if not name.argument and extractor.weights_id.startswith(PACKAGED):
        raise MethodError(
            f"method is {name.text!r}: its weights are not found, and a comparison takes no "
            f"others; give {name.model}:FILE, or aliked-t16:package for the weights of this project"
        )
    identity = name.identity(extractor.weights_id.replace(":", ""), budget)
    return Method(name.label, name.model, identity, extractor)
