import pytest
import torch

from aliked_ros.network.exportable import ExportableALIKED, _columns_and_rows
from aliked_ros.onnx_comparison import blobs

# Multiples of 32, none, and less than 32.
SIZES = [(64, 96), (61, 83), (96, 50), (20, 30)]


@pytest.mark.parametrize("size", SIZES)
def test_the_exportable_form_computes_what_the_network_computes(seeded_network, size):
    image = blobs(*size)
    module = ExportableALIKED(seeded_network.fuse(), 40, 0.0)
    with torch.no_grad():
        detections, expected = seeded_network.fuse()(image, 40, 0.0)
        keypoints, scores, descriptors, num_keypoints = module(image)
    count = detections.keypoints.shape[1]
    assert num_keypoints.tolist() == [count]
    assert num_keypoints.dtype == torch.int32
    torch.testing.assert_close(keypoints[:, :count], detections.keypoints)
    torch.testing.assert_close(scores[:, :count], detections.scores)
    torch.testing.assert_close(descriptors[:, :count], expected, atol=1e-5, rtol=0)


def test_there_are_always_k_rows_and_the_filling_is_last_with_score_zero(seeded_network):
    module = ExportableALIKED(seeded_network.fuse(), 2000, 0.0)
    with torch.no_grad():
        keypoints, scores, descriptors, num_keypoints = module(blobs(64, 64))
    count = int(num_keypoints)
    assert 0 < count < 2000
    assert keypoints.shape == (1, 2000, 2)
    assert descriptors.shape == (1, 2000, seeded_network.dim)
    assert (scores[0, :count] > 0).all()
    assert (scores[0, count:] == 0).all()
    assert keypoints.isfinite().all()
    assert descriptors.isfinite().all()


def test_no_peak_above_the_threshold_gives_no_keypoint(seeded_network):
    with torch.no_grad():
        *_, num_keypoints = ExportableALIKED(seeded_network.fuse(), 10, 1.0)(blobs(64, 64))
    assert num_keypoints.tolist() == [0]


@pytest.mark.parametrize("width", [8192, 8191, 4097, 3])
def test_columns_and_rows_are_exact_in_the_largest_image(width):
    row, column = torch.meshgrid(
        torch.tensor([0, 1, 4095, 4096, 8190, 8191]),
        torch.tensor([0, 1, width // 2, width - 1]),
        indexing="ij",
    )
    x, y = _columns_and_rows((row * width + column).view(1, -1), width)
    assert x.tolist() == column.float().view(1, -1).tolist()
    assert y.tolist() == row.float().view(1, -1).tolist()
