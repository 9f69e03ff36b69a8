"""Score map, keypoints, scores, dispersity and descriptors beside the authors' network.

| quantity | tolerance |
|---|---|
| score map, stored as float32 / float16 | 2e-5 / 3e-4 |
| keypoints, as sets | 0.01 px |
| scores, dispersity | 1e-4 |
| descriptors, cosine | 0.9999 |
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aliked_ros.config import MODELS, ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.inference.compiled import CompiledALIKED
from aliked_ros.inference.kernels import load_kernels
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.released import sha256_of
from aliked_ros.network.weights import load_network

pytestmark = pytest.mark.golden

IMAGES = ("kitti_road", "st_pauls_odd", "tum_desk")
MODES = {"topk1000": (1000, 0.0), "thr0.2": (5000, 0.2)}  # max_keypoints, detection_threshold


class Expected(NamedTuple):
    """What the authors' network found in one image."""

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    dispersity: NDArray[np.float32] | None = None


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def weights(model: str, weights_dir: Path) -> str:
    return str(weights_dir / f"{model}.pth")


@pytest.fixture(scope="module")
def network(model: str, weights: str) -> ALIKED:
    return load_network(model, weights)[0]


def read_rgb(path: Path) -> NDArray[np.uint8]:
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def assert_same_features(keypoints, scores, dispersity, descriptors, expected: Expected) -> None:
    assert len(keypoints) == len(expected.keypoints)
    distances = torch.cdist(
        torch.from_numpy(expected.keypoints).double(), keypoints.double()
    )  # (expected, found)
    nearest, index = distances.min(dim=1)
    assert nearest.max() < 0.01
    assert len(set(index.tolist())) == len(keypoints)
    assert np.abs(scores[index].numpy() - expected.scores).max() < 1e-4
    if expected.dispersity is not None:
        assert np.abs(dispersity[index].numpy() - expected.dispersity).max() < 1e-4
    stored = torch.nn.functional.normalize(torch.from_numpy(expected.descriptors).double(), dim=1)
    assert (descriptors[index].double() * stored).sum(dim=1).min() > 0.9999


@pytest.mark.parametrize("backend", ["auto", "torch"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("image", IMAGES)
def test_features_equal_the_authors(model, weights, golden_dir, image, mode, backend):
    stored = np.load(golden_dir / f"{image}__{model}__{mode}.npz")
    max_keypoints, threshold = MODES[mode]
    extractor = Extractor(
        ExtractorConfig(
            model=model,
            weights=weights,
            device="cpu",
            backend=backend,
            max_keypoints=max_keypoints,
            detection_threshold=threshold,
        )
    )
    found = extractor(read_rgb(golden_dir / f"{image}.png"))
    expected = Expected(*(stored[name] for name in ("keypoints", "scores", "descriptors")))
    expected = expected._replace(dispersity=stored["dispersity"])
    assert (found.scores.diff() <= 0).all()
    assert_same_features(
        found.keypoints, found.scores, found.dispersity, found.descriptors, expected
    )


@pytest.mark.parametrize("image", IMAGES)
def test_score_map_equals_the_authors(network, model, golden_dir, image):
    stored = np.load(golden_dir / f"{image}__{model}__topk1000.npz")["score_map"]
    pixels = torch.from_numpy(read_rgb(golden_dir / f"{image}.png")).unsqueeze(0)
    fused = network.fuse()
    with torch.no_grad():
        _, score_map = fused.encode(pixels.permute(0, 3, 1, 2) / 255)
    assert np.abs(score_map[0].numpy() - stored.astype(np.float32)).max() < 3e-4
    compiled_score_map, _ = CompiledALIKED(fused, load_kernels()).encode(pixels)
    assert (compiled_score_map - score_map).abs().max() < 2e-5


@pytest.mark.parametrize("fused", [False, True])
def test_float_image_gives_the_authors_score_map_and_features(network, model, golden_dir, fused):
    stored = np.load(golden_dir / "synthetic_120x160.npz")
    image = torch.from_numpy(stored["image"])
    network = network.fuse() if fused else network
    with torch.no_grad():
        _, score_map = network.encode(image)
        detections, descriptors = network(image, 5000, 0.2)
    assert np.abs(score_map.numpy() - stored[f"{model}/score"][:, 0]).max() < 2e-5
    expected = Expected(*(stored[f"{model}/{name}"] for name in ("kpts", "kscore", "desc")))
    assert_same_features(
        detections.keypoints[0],
        detections.scores[0],
        detections.dispersity[0],
        descriptors[0],
        expected,
    )


def test_checkpoint_is_the_released_one_by_its_checksum(model, weights):
    from aliked_ros.network.released import RELEASE_SHA256

    assert sha256_of(Path(weights)) == RELEASE_SHA256[model]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_uniform_image_has_no_keypoints(model, weights, value):
    extractor = Extractor(ExtractorConfig(model=model, weights=weights, device="cpu"))
    assert len(extractor(np.full((480, 640, 3), value, np.uint8))) == 0


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("size", [(480, 640), (377, 501)])
def test_network_itself_sees_nothing_in_a_uniform_image(network, value, size):
    image = torch.full((1, 3, *size), value / 255)
    with torch.no_grad():
        detections, _ = network.fuse()(image, 1000, 0.2)
    assert detections.keypoints.shape[1] == 0
