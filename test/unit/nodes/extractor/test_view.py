import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

import torch

from aliked_ros.config.nodes import ViewConfig
from aliked_ros.images import ImageError
from aliked_ros.nodes.extractor.view import ImageView
from aliked_ros.structs import Features

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)


def features(keypoints, size):
    keypoints = torch.tensor(keypoints, dtype=torch.float32).reshape(-1, 2)
    count = len(keypoints)
    ones = torch.ones(count)
    return Features(keypoints, ones, ones, torch.eye(8)[:count], size)


def moved(view, keypoints, num_keypoints=100):
    part = view.cut(IMAGE)
    return view.in_whole_image(features(keypoints, part.shape[:2]), IMAGE, num_keypoints)


def test_without_parameters_nothing_changes():
    view = ImageView(ViewConfig())
    assert view.cut(IMAGE) is IMAGE
    before = features([[1, 2]], (60, 80))
    assert view.in_whole_image(before, IMAGE, 10) is before
    assert view.num_asked_for(IMAGE, 10) == 10


def test_keypoints_of_a_resized_image_are_where_they_are_in_the_whole_one():
    view = ImageView(ViewConfig(image_width=40))
    assert view.cut(IMAGE).shape == (30, 40)
    found = moved(view, [[0, 0], [39, 29]])
    # Centres of pixels of twice the size.
    np.testing.assert_allclose(found.keypoints.numpy(), [[0.5, 0.5], [78.5, 58.5]])
    assert found.image_size == (60, 80)


def test_an_image_that_is_small_enough_is_not_resized():
    assert ImageView(ViewConfig(image_width=80)).cut(IMAGE).shape == (60, 80)


def test_colours_are_resized_too():
    colour = np.stack([IMAGE] * 3, axis=2)
    assert ImageView(ViewConfig(image_width=20)).cut(colour).shape == (15, 20, 3)


def test_keypoints_of_a_part_are_those_of_the_whole_image():
    view = ImageView(ViewConfig(crop="10 20 40 30"))
    np.testing.assert_array_equal(view.cut(IMAGE), IMAGE[20:50, 10:50])
    np.testing.assert_allclose(moved(view, [[1, 2]]).keypoints.numpy(), [[11, 22]])
    both = ImageView(ViewConfig(crop="10 20 40 30", image_width=20))
    np.testing.assert_allclose(moved(both, [[0, 0]]).keypoints.numpy(), [[10.5, 20.5]])


def test_features_in_host_memory_move_along():
    part = features([[1, 2]], (30, 40))
    on_device = Features(
        part.keypoints, part.scores, part.dispersity, part.descriptors, part.image_size, part
    )
    view = ImageView(ViewConfig(crop="10 20 40 30"))
    found = view.in_whole_image(on_device, IMAGE, 10)
    np.testing.assert_allclose(found.on_host.keypoints.numpy(), [[11, 22]])


@pytest.fixture
def mask(tmp_path):
    """The lower half of the image is the robot itself."""
    picture = np.full((60, 80), 255, np.uint8)
    picture[30:] = 0
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), picture)
    return str(path)


def test_where_the_mask_is_black_no_keypoints_are_kept_and_more_are_asked_for(mask):
    view = ImageView(ViewConfig(mask=mask))
    assert view.num_asked_for(IMAGE, 100) == 200
    found = moved(view, [[5, 40], [5, 10], [5, 29], [5, 31], [79, 0]], num_keypoints=2)
    np.testing.assert_allclose(found.keypoints.numpy(), [[5, 10], [5, 29]])
    np.testing.assert_array_equal(found.descriptors.numpy(), np.eye(8)[1:3])
    assert len(moved(view, [])) == 0


def test_the_mask_is_of_the_whole_image_also_where_a_part_is_looked_at(mask):
    view = ImageView(ViewConfig(mask=mask, crop="0 20 80 20", image_width=40))
    assert view.num_asked_for(IMAGE, 100) == 200
    found = moved(view, [[0, 0], [0, 9]])
    np.testing.assert_allclose(found.keypoints.numpy(), [[0.5, 20.5]])


def test_the_mask_of_an_image_holds_beside_the_one_of_all_images(mask):
    own = np.full((60, 80), 7, np.uint8)
    own[:, 40:] = 0
    keypoints = [[5, 10], [60, 10], [5, 40]]
    for config, share, kept in (
        (ViewConfig(), 2, [[5, 10], [5, 40]]),
        (ViewConfig(mask=mask), 4, [[5, 10]]),
        (ViewConfig(crop="0 0 80 60"), 2, [[5, 10], [5, 40]]),
    ):
        view = ImageView(config)
        assert view.num_asked_for(IMAGE, 100, own) == 100 * share
        found = view.in_whole_image(features(keypoints, (60, 80)), IMAGE, 100, own)
        np.testing.assert_allclose(found.keypoints.numpy(), kept)


def test_what_the_mask_leaves_is_spread(mask):
    """The best three crowd in one cell, and a masked one is alone in another."""
    view = ImageView(ViewConfig(mask=mask))
    given = features([[1, 1], [2, 1], [3, 1], [70, 50], [70, 10]], (60, 80))
    best = view.in_whole_image(given, IMAGE, 2)
    np.testing.assert_allclose(best.keypoints.numpy(), [[1, 1], [2, 1]])
    spread = view.in_whole_image(given, IMAGE, 2, is_spread=True)
    np.testing.assert_allclose(spread.keypoints.numpy(), [[1, 1], [70, 10]])


def test_nothing_more_is_asked_for_where_nothing_will_be_kept():
    view = ImageView(ViewConfig())
    nowhere = np.zeros((60, 80), np.uint8)
    assert view.num_asked_for(IMAGE, 100, nowhere) == 100
    assert len(view.in_whole_image(features([[5, 5]], (60, 80)), IMAGE, 100, nowhere)) == 0


@pytest.mark.parametrize("text", ["1 2 3", "a b c d", "0 0 0 5", "-1 0 5 5", "1.5 0 5 5"])
def test_a_crop_that_is_no_rectangle_is_refused(text):
    with pytest.raises(ValueError, match=r"crop is .*: give 'x y width height'"):
        ImageView(ViewConfig(crop=text))


def test_a_mask_that_is_no_picture_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"mask is .*nowhere.png': no picture"):
        ImageView(ViewConfig(mask=str(tmp_path / "nowhere.png")))


def test_what_does_not_fit_the_image_is_named_with_both_sizes(mask):
    with pytest.raises(ImageError, match="'50 0 40 10', which reaches outside an image of 80x60"):
        ImageView(ViewConfig(crop="50 0 40 10")).cut(IMAGE)
    with pytest.raises(ImageError, match="mask is 80x60, the image is 40x30"):
        ImageView(ViewConfig(mask=mask)).cut(IMAGE[:30, :40])
