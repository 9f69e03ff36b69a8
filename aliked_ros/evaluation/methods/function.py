"""A function of the user's as a method of a comparison."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from aliked_ros.evaluation.methods.method import Budget, Method, MethodError, MethodName
from aliked_ros.structs import Features, Pixels


def open_by_name(name: MethodName, budget: Budget) -> Method:
    """Return "module:function" or "file.py:function", as `open_method` describes them.

    Raises:
        MethodError: if there is no such function.
    """
    place, called = name.model, name.argument
    try:
        module = (
            _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        )
        function: Callable[[Any], Any] = getattr(module, called)
    except (ImportError, OSError, AttributeError) as error:
        raise MethodError(f"method is {name.text!r}: {error}") from error
    file = Path(str(getattr(module, "__file__", "")))
    version = hashlib.sha256(file.read_bytes()).hexdigest()[:8] if file.is_file() else "0"

    def extract(image: Pixels) -> Features:
        return as_features(function(image), image.shape[:2], budget.max_keypoints)

    return Method(called, "", name.identity(version, budget), extract)


def _load_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_features(found: Any, image_size: tuple[int, ...], max_keypoints: int) -> Features:
    """Return what a function found as features with unit descriptors, cut to the budget.

    Raises:
        MethodError: if the shapes are not (N, 2) and (N, D).
    """
    if isinstance(found, Features):
        features = found.to("cpu")
    else:
        keypoints, descriptors = (torch.as_tensor(part).detach().cpu().float() for part in found)
        descriptors = torch.nn.functional.normalize(descriptors, dim=1)
        height, width = image_size
        nothing = torch.zeros(len(keypoints))
        features = Features(keypoints, nothing, nothing, descriptors, (height, width))
    keypoints, descriptors = features.keypoints, features.descriptors
    if keypoints.ndim != 2 or keypoints.shape[1] != 2 or len(keypoints) != len(descriptors):
        raise MethodError(
            f"the function returned keypoints {tuple(keypoints.shape)} and descriptors "
            f"{tuple(descriptors.shape)}: return (N, 2) and (N, D)"
        )
    return features.select(torch.arange(min(len(features), max_keypoints)))
