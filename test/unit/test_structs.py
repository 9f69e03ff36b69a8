"""The nouns: what they refuse, how features move and are selected, what a camera says."""

import numpy as np
import pytest
import torch

from aliked_ros.structs import Camera, Features, Matches

K = np.array([[500.0, 0, 319.5], [0, 500, 239.5], [0, 0, 1]])


def features(num=5, on_host=None):
    rows = torch.arange(num, dtype=torch.float32)
    return Features(
        torch.stack([rows, rows + 10], dim=1),
        rows / 10,
        rows / 20,
        torch.eye(num),
        (48, 64),
        on_host,
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": 0}, "camera size is 0x480: both must be positive"),
        ({"K": np.eye(2)}, r"camera matrix K is .*give 3x3 finite numbers"),
        ({"K": np.full((3, 3), np.nan)}, r"camera matrix K is .*give 3x3 finite numbers"),
        ({"D": np.array([np.inf])}, r"camera D is \[inf\]: give finite numbers"),
        ({"P": np.full((3, 4), np.nan)}, r"camera P is .*give finite numbers"),
        ({"K": np.zeros((3, 3))}, r"focal length is 0.0, 0.0 px: the camera is not calibrated"),
        ({"distortion_model": "fisheye"}, r"'fisheye': use one of none, plumb_bob"),
    ],
)
def test_camera_that_cannot_be_used_is_refused_with_a_remedy(changed, message):
    with pytest.raises(ValueError, match=message):
        Camera(**{"width": 640, "height": 480, "K": K, **changed})


@pytest.mark.parametrize(
    ("given", "is_distorted"),
    [
        ({}, False),
        ({"D": np.zeros(5), "distortion_model": "plumb_bob"}, False),
        ({"D": np.array([0.1, 0, 0, 0, 0]), "distortion_model": "plumb_bob"}, True),
        ({"D": np.zeros(4), "distortion_model": "equidistant"}, True),
        ({"R": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])}, True),
        ({"P": np.column_stack([K, np.zeros(3)])}, False),
        ({"P": np.column_stack([K * [[0.9], [0.9], [1]], np.zeros(3)])}, True),
    ],
)
def test_camera_knows_whether_raw_pixels_differ_from_rectified_ones(given, is_distorted):
    assert Camera(640, 480, K, **given).is_distorted is is_distorted


def test_rectified_intrinsics_are_those_of_the_projection_where_there_is_one():
    P = np.column_stack([2 * K, np.zeros(3)])
    np.testing.assert_array_equal(Camera(640, 480, K).K_rectified, K)
    np.testing.assert_array_equal(Camera(640, 480, K, P=P).K_rectified, 2 * K)


@pytest.mark.parametrize(
    "index", [torch.tensor([3, 1]), torch.tensor([False, True, False, True, False])]
)
def test_selected_features_keep_their_rows_together(index):
    selected = features().select(index)
    assert len(selected) == 2
    assert selected.image_size == (48, 64)
    for row in range(2):
        number = int(selected.keypoints[row, 0])
        assert number in (1, 3)
        assert selected.scores[row] == pytest.approx(number / 10)
        assert selected.dispersity[row] == pytest.approx(number / 20)
        assert selected.descriptors[row, number] == 1


def test_what_is_selected_stays_in_host_memory_too():
    chosen = features(on_host=features()).select(torch.tensor([3, 1]))
    assert chosen.on_host is not None
    assert torch.equal(chosen.on_host.keypoints, chosen.keypoints)
    assert chosen.on_host.scores.tolist() == pytest.approx([0.3, 0.1])


def test_features_that_are_in_host_memory_already_are_not_copied_there_again():
    host = features()
    assert features(on_host=host).to("cpu") is host
    assert host.to("cpu") is host
    assert host.to("meta").to("cpu") is host  # it remembers where it came from


def test_nouns_with_arrays_can_be_compared_and_put_into_sets():
    first, second = features(), features()
    assert first == first
    assert first != second
    assert len({first, second, Camera(640, 480, K), Camera(640, 480, K)}) == 4


def test_matches_are_counted_in_pairs():
    assert len(Matches(torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3))) == 3
