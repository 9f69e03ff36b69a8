import numpy as np
import pytest
import torch

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.features import features_from_message, features_to_message
from aliked_ros.structs import Features

HEADER = Header(frame_id="camera")


def features(count=5):
    generator = torch.Generator().manual_seed(0)
    return Features(
        torch.rand(count, 2, generator=generator) * 480,
        torch.rand(count, generator=generator),
        torch.rand(count, generator=generator),
        torch.nn.functional.normalize(torch.randn(count, 64, generator=generator)),
        (480, 640),
    )


@pytest.mark.parametrize("count", [5, 0])
def test_features_come_back_as_they_were(count):
    sent = features(count)
    message = features_to_message(sent, HEADER, "aliked-t16")
    assert (message.header, message.model, message.descriptor_dim) == (HEADER, "aliked-t16", 64)
    received = features_from_message(message)
    assert received.image_size == (480, 640)
    for name in ("keypoints", "scores", "dispersity", "descriptors"):
        np.testing.assert_array_equal(getattr(received, name), getattr(sent, name))


@pytest.mark.parametrize("descriptor_type", ["float16", "int8"])
def test_short_descriptors_take_fewer_bytes(descriptor_type):
    size = {"float16": 2, "int8": 1}[descriptor_type]
    message = features_to_message(features(), HEADER, "aliked-t16", descriptor_type)
    assert len(message.descriptors) == 5 * 64 * size
    cosine = (features_from_message(message).descriptors * features().descriptors).sum(dim=1)
    assert cosine.min() > 0.9995


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("descriptor_type", 7, "descriptor_type is 7: use FLOAT32"),
        ("descriptor_dim", 32, "descriptors has 1280 bytes: 5 keypoints with 32 numbers"),
        ("keypoints", [1.0, 2.0], "keypoints has 2 numbers for 5 scores: it must have 10"),
        ("dispersity", [1.0], "dispersity has 1 numbers for 5 scores: it must have 5"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(name, value, words):
    message = features_to_message(features(), HEADER, "aliked-t16")
    setattr(message, name, value)
    with pytest.raises(ValueError, match=words):
        features_from_message(message)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.descriptors.view(-1)[5].fill_(float("nan")), "descriptors has 1 numbers that"),
        (lambda f: f.descriptors[2].fill_(float("inf")), "descriptors has 64 numbers that"),
        (lambda f: f.descriptors[2].fill_(0.0), "rows of length 0 to 1: they must be unit rows"),
        (lambda f: f.descriptors[2].mul_(3.0), "rows of length 1 to 3"),
        (lambda f: f.keypoints[1].fill_(float("nan")), "keypoints has 2 numbers that are not"),
        (lambda f: f.keypoints[1].fill_(1e30), "keypoints has 1 points outside the image of"),
        (lambda f: f.keypoints[1].fill_(-5.0), "keypoints has 1 points outside the image of"),
        (lambda f: f.scores[0].fill_(float("nan")), "scores has 1 numbers that are not finite"),
        (lambda f: f.dispersity[0].fill_(float("inf")), "dispersity has 1 numbers"),
    ],
)
def test_a_single_number_that_cannot_be_is_refused_by_name(change, words):
    spoilt = features()
    change(spoilt)
    with pytest.raises(ValueError, match=words):
        features_from_message(features_to_message(spoilt, HEADER, "aliked-t16"))


@pytest.mark.parametrize("size", [(0, 480), (640, 0), (2**31, 480)])
def test_a_size_that_no_image_has_is_refused(size):
    message = features_to_message(features(), HEADER, "aliked-t16")
    message.width, message.height = size
    with pytest.raises(ValueError, match=f"image size is {size[0]}x{size[1]}"):
        features_from_message(message)
