"""Names on the command line -> features: ALIKED, ALIKE, OpenCV's, kornia's, your own function."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch

from aliked_ros.config import MODELS, ExtractorConfig
from aliked_ros.evaluation.alike import VARIANTS, ALIKEExtractor
from aliked_ros.evaluation.feature_cache import Extract
from aliked_ros.evaluation.opencv_features import OPENCV_METHODS, OpenCVExtractor
from aliked_ros.extractor import Extractor, pick_device
from aliked_ros.network.packaged import PACKAGED
from aliked_ros.network.weights import cache_folder, sha256_of
from aliked_ros.structs import Features, Pixels

KORNIA_METHODS = ("disk", "xfeat")
NAMES = (*MODELS, *VARIANTS, *OPENCV_METHODS)
_ALIKE_HOME = "https://github.com/Shiaoming/ALIKE/tree/main/models"


class MethodError(ValueError):
    """A method that cannot be run; the text says what to do."""


@dataclass(frozen=True)
class Budget:
    """What every method of a comparison is given.

    Attributes:
        max_keypoints: at most this many per image.
        detection_threshold: of ALIKED and ALIKE, as in the paper; other methods have their own.
        device: as in ExtractorConfig.
    """

    max_keypoints: int = 5000
    detection_threshold: float = 0.2
    device: str = "auto"


@dataclass(frozen=True)
class Method:
    """A method that is ready to run.

    Attributes:
        name: as in the tables.
        model: the architecture, a key of complexity.py where it is counted.
        identity: a folder name that tells parameters and settings apart.
        extract: image (H, W, 3) RGB uint8 -> features.
    """

    name: str
    model: str
    identity: str
    extract: Extract


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
    model, _, argument = spec.partition(":")
    if model in OPENCV_METHODS and not argument:
        opencv = OpenCVExtractor(model, budget.max_keypoints)
        return Method(spec, model, _identity(spec, f"cv{cv2.__version__}", budget), opencv)
    if model in MODELS:
        return _aliked(spec, model, argument, budget)
    if model in VARIANTS:
        return _alike(spec, model, argument, budget)
    if model in KORNIA_METHODS:
        return _kornia(spec, model, argument, budget)
    if argument:
        return _function(spec, model, argument, budget)
    raise MethodError(
        f"method is {spec!r}: give one of {', '.join(NAMES)}, MODEL:FILE for other weights, "
        "disk:FILE, xfeat:FILE, or module:function"
    )


def _label(spec: str) -> str:
    """Return a name for tables: a file by its name instead of its path."""
    model, separator, argument = spec.partition(":")
    return f"{model}{separator}{Path(argument).name}"


def _identity(spec: str, version: str, budget: Budget) -> str:
    text = f"{_label(spec)}-{version}-{budget.max_keypoints}-{budget.detection_threshold}"
    return "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in text)


def _aliked(spec: str, model: str, weights: str, budget: Budget) -> Method:
    config = ExtractorConfig(
        model=model,
        weights=weights,
        device=budget.device,
        max_keypoints=budget.max_keypoints,
        detection_threshold=budget.detection_threshold,
    )
    extractor = Extractor(config)
    if not weights and extractor.weights_id.startswith(PACKAGED):
        raise MethodError(
            f"method is {spec!r}: its weights are not found, and a comparison takes no others; "
            f"give {model}:FILE, or aliked-t16:package for the weights of this project"
        )
    identity = _identity(spec, extractor.weights_id.replace(":", ""), budget)
    return Method(_label(spec), model, identity, extractor)


def _alike(spec: str, model: str, weights: str, budget: Budget) -> Method:
    path = _find_alike(model, weights)
    extractor = ALIKEExtractor(
        model,
        path,
        budget.max_keypoints,
        budget.detection_threshold,
        pick_device(budget.device),
    )
    return Method(_label(spec), model, _identity(spec, sha256_of(path)[:8], budget), extractor)


def _find_alike(model: str, weights: str) -> Path:
    folder = Path(os.environ.get("ALIKED_WEIGHTS") or cache_folder())
    places = [Path(weights)] if weights else [
        folder / "alike" / f"{model}.pth", folder / f"{model}.pth", cache_folder() / f"{model}.pth"
    ]  # fmt: skip
    for place in places:
        if place.expanduser().is_file():
            return place.expanduser()
    raise MethodError(
        f"no weights for {model}: looked for {', '.join(map(str, places))}. Take {model}.pth from "
        f"{_ALIKE_HOME} and put it there, or give it as {model}:FILE"
    )


def _kornia(spec: str, model: str, weights: str, budget: Budget) -> Method:
    if not Path(weights).is_file():
        raise MethodError(
            f"method is {spec!r}: give the checkpoint that kornia's {model} loads, as {model}:FILE"
        )
    try:
        from aliked_ros.evaluation.kornia_features import open_network
    except ImportError as error:
        raise MethodError(f"{model} needs kornia ({error}): pip install kornia") from error
    device = pick_device(budget.device)
    extract = open_network(model, Path(weights), budget.max_keypoints, device)
    version = f"{sha256_of(Path(weights))[:8]}-{device.type}"
    return Method(_label(spec), model, _identity(spec, version, budget), extract)


def _function(spec: str, place: str, name: str, budget: Budget) -> Method:
    try:
        module = (
            _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        )
        function: Callable[[Any], Any] = getattr(module, name)
    except (ImportError, OSError, AttributeError) as error:
        raise MethodError(f"method is {spec!r}: {error}") from error
    file = Path(str(getattr(module, "__file__", "")))
    version = hashlib.sha256(file.read_bytes()).hexdigest()[:8] if file.is_file() else "0"

    def extract(image: Pixels) -> Features:
        return as_features(function(image), image.shape[:2], budget.max_keypoints)

    return Method(name, "", _identity(spec, version, budget), extract)


def _load_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_features(found: Any, image_size: tuple[int, ...], max_keypoints: int) -> Features:
    """Return what an adapter found as features with unit descriptors, cut to the budget."""
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
