"""Extractor and LightGlue in ONNX Runtime match two photographs as torch does."""

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.network.lightglue_weights import load_lightglue
from aliked_ros.network.weights import load_network
from aliked_ros.onnx_export import write_onnx
from aliked_ros.onnx_matcher import INPUTS, OUTPUTS, write_matcher
from aliked_ros.structs import Features


def test_the_files_of_extractor_and_matcher_match_two_images_of_graf(shared, weights_dir, tmp_path):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    weights = weights_dir / "lightglue" / "aliked_lightglue.pth"
    if not weights.is_file():
        pytest.skip(f"{weights} is absent")
    network, matcher = (
        load_network("aliked-n16", str(weights_dir / "aliked-n16.pth"))[0],
        load_lightglue(str(weights)),
    )
    files = tmp_path / "aliked.onnx", tmp_path / "lightglue.onnx"
    write_onnx(network, files[0], size=(320, 400), max_keypoints=300, detection_threshold=0.2)
    write_matcher(matcher, files[1])
    extract, match = (
        onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        for file in files
    )
    given, pair = {}, []
    for number, name in enumerate(("img1.ppm", "img2.ppm")):
        pixels = cv2.resize(cv2.imread(str(shared / "data" / "graf" / name)), (400, 320))
        image = np.float32(pixels[..., ::-1].transpose(2, 0, 1)[None] / 255)
        keypoints, scores, descriptors, count = extract.run(None, {"image": image})
        rows = slice(0, int(count[0]) - 20 * number)  # other numbers of keypoints
        of_image = keypoints[:, rows], descriptors[:, rows], np.array([320, 400])
        given |= zip(INPUTS[3 * number : 3 * number + 3], of_image, strict=True)
        tensors = [torch.from_numpy(a[0, rows]) for a in (keypoints, scores, scores, descriptors)]
        pair.append(Features(*tensors, (320, 400)))
    partners, scores = match.run(list(OUTPUTS), given)
    expected = matcher([(pair[0], pair[1])], adaptive=False)[0]
    index0 = np.flatnonzero(partners[0] >= 0)
    np.testing.assert_array_equal(partners[0, index0], expected.indices[:, 1].numpy())
    np.testing.assert_array_equal(index0, expected.indices[:, 0].numpy())
    np.testing.assert_allclose(scores[0, index0], expected.scores.numpy(), atol=5e-4)
    assert len(index0) > 50
    assert (scores[0, partners[0] < 0] == 0).all()
