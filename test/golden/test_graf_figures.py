"""On graf an independent network with the authors' weights and ours give the same figures.

kornia's ALIKED is the authors' network through LightGlue, except that since 0.9 its suppression of
non-maxima lacks the authors' two further rounds: the test puts the authors' rule in its place.
"""

from __future__ import annotations

import functools
import sys

import numpy as np
import pytest
import torch

from aliked_ros.config import MODELS
from aliked_ros.evaluation.homography.metrics import score_pair, summarise
from aliked_ros.evaluation.homography.pairs import find_pairs
from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.function import as_features
from aliked_ros.evaluation.methods.method import Budget
from aliked_ros.matching import mutual_nearest_neighbours

pytestmark = pytest.mark.golden


def authors_suppression(scores, kernel, mask_only):
    """Return which pixels are maxima: (B, 1, H, W) bool, by the rule of the authors' code."""

    def maximum(x):
        return torch.nn.functional.max_pool2d(x, kernel, stride=1, padding=kernel[0] // 2)

    keep = scores == maximum(scores)
    for _ in range(2):
        suppressed = maximum(keep.float()) > 0
        remaining = scores.masked_fill(suppressed, 0.0)
        keep = keep | ((remaining == maximum(remaining)) & ~suppressed)
    return keep


def kornias_aliked(feature, model, weights):
    network = feature.ALIKED(model, 5000, 0.2)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    assert network.load_state_dict(state, strict=False).missing_keys == ["dkd.hw_grid"]
    network = network.eval()

    @torch.inference_mode()
    def extract(image):
        found = network(torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0).float() / 255)[0]
        return as_features((found.keypoints, found.descriptors), image.shape[:2], 5000)

    return extract


@pytest.mark.parametrize(
    ("model", "longer_side_px"), [*((model, 640) for model in MODELS), ("aliked-n16", 0)]
)
def test_printed_figures_are_those_of_an_independent_network(
    model, longer_side_px, shared, weights_dir, monkeypatch
):
    feature = pytest.importorskip("kornia.feature", reason="kornia is optional: pip install kornia")
    module = sys.modules[feature.ALIKED.__module__]
    monkeypatch.setattr(module, "nms2d", authors_suppression, raising=False)
    weights = weights_dir / f"{model}.pth"
    contestants = (
        open_method(f"{model}:{weights}", Budget(5000, 0.2, "cpu")).extract,
        kornias_aliked(feature, model, weights),
    )
    printed = []
    for extract in contestants:
        scores = []
        cached = functools.cache(
            lambda data, shape, extract=extract: extract(
                np.frombuffer(data, np.uint8).reshape(shape).copy()
            )
        )
        for pair in find_pairs(shared / "data" / "graf"):
            image0, image1, H_1_0 = pair.load(longer_side_px)
            features = [cached(image.tobytes(), image.shape) for image in (image0, image1)]
            matches, _ = mutual_nearest_neighbours(*(f.descriptors for f in features), -1.0)
            scores.append(
                score_pair(
                    tuple(f.keypoints.numpy().astype(np.float64) for f in features),
                    matches.numpy(),
                    H_1_0,
                    (image0.shape[:2], image1.shape[:2]),
                )
            )
        printed.append({name: f"{value:.2f}" for name, value in summarise(scores).items()})
    assert printed[0] == printed[1]
