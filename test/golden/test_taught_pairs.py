"""Partners by the released LightGlue, beside the known homography of a slanted photograph."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from training_world import draw_photograph

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.datasets import open_sequence
from aliked_ros.network.released import LIGHTGLUE
from aliked_ros.training.matcher.teacher import TaughtPairs, open_released

pytestmark = pytest.mark.golden

H_1_0 = np.array([[0.95, 0.06, 8.0], [-0.05, 1.02, 5.0], [1e-4, 5e-5, 1.0]])


@pytest.fixture
def frames(tmp_path):
    image = draw_photograph(5, 240, 320)
    cv2.imwrite(str(tmp_path / "0.png"), image)
    cv2.imwrite(str(tmp_path / "1.png"), cv2.warpPerspective(image, H_1_0, (320, 240)))
    return tmp_path


def test_taught_partners_lie_where_the_homography_says(frames, weights_dir: Path, monkeypatch):
    if not (weights_dir / "lightglue" / f"{LIGHTGLUE}.pth").is_file():
        pytest.skip("no released weights of LightGlue")
    monkeypatch.setenv("ALIKED_WEIGHTS", str(weights_dir))
    pupil = Extractor(
        ExtractorConfig("aliked-t16", device="cpu", max_keypoints=256, detection_threshold=0.0)
    )
    source = TaughtPairs(
        open_sequence(str(frames)), (1, 1), lambda: open_released(512), lambda x, _: x, 2.0, 5.0
    )
    (first, second), (partner0, partner1), _ = source.draw(np.random.default_rng(0), pupil)
    rows = (partner0 >= 0).nonzero().squeeze(1)
    assert len(rows) >= 20
    assert torch.equal(partner1[partner0[rows]], rows)
    points0, points1 = (
        one.numpy().astype(np.float64)
        for one in (first.keypoints[rows], second.keypoints[partner0[rows]])
    )
    errors = []
    for H in (H_1_0, np.linalg.inv(H_1_0)):  # the frames come in either order
        there = cv2.perspectiveTransform(points0[None], H)[0]
        errors.append(np.linalg.norm(there - points1, axis=1))
    right = min(errors, key=np.median)
    assert np.mean(right < 4) > 0.9
