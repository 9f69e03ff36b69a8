"""ALIKE beside the authors' network: the same score map, keypoints and descriptors."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.evaluation.methods.alike import ALIKEExtractor

pytestmark = pytest.mark.golden


@pytest.mark.parametrize("image", ["tum_desk", "st_pauls_odd"])
@pytest.mark.parametrize("model", ["alike-t", "alike-n"])
def test_alike_equals_the_authors(model, image, weights_dir, golden_dir):
    stored = np.load(golden_dir / f"{image}__{model}__topk1000.npz")
    pixels = np.ascontiguousarray(cv2.imread(str(golden_dir / f"{image}.png"))[:, :, ::-1])
    extractor = ALIKEExtractor(model, weights_dir / "alike" / f"{model}.pth", 1000, 0.0)
    features = extractor(pixels)
    with torch.no_grad():
        _, score_map = extractor.network(
            torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).float() / 255
        )
    assert np.abs(score_map[0].numpy() - stored["score_map"].astype(np.float32)).max() < 3e-4
    assert len(features) == len(stored["keypoints"])
    distance, index = torch.cdist(
        torch.from_numpy(stored["keypoints"]).double(), features.keypoints.double()
    ).min(dim=1)
    assert distance.max() < 0.01
    assert len(set(index.tolist())) == 1000
    assert np.abs(features.scores[index].numpy() - stored["scores"]).max() < 1e-4
    expected = torch.nn.functional.normalize(
        torch.from_numpy(stored["descriptors"]).double(), dim=1
    )
    assert (features.descriptors[index].double() * expected).sum(dim=1).min() > 0.9999


@pytest.mark.parametrize("model", ["alike-s", "alike-l"])
def test_the_other_variants_load_and_find_keypoints(model, weights_dir, golden_dir):
    pixels = np.ascontiguousarray(cv2.imread(str(golden_dir / "tum_desk.png"))[:, :, ::-1])
    features = ALIKEExtractor(model, weights_dir / "alike" / f"{model}.pth", 100)(pixels)
    assert len(features) == 100
