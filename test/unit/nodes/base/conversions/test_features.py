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
        torch.rand(count, 2, generator=generator) * 640,
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
        ("keypoints", [1.0, 2.0], "keypoints has 2 numbers for 5 scores: give 10"),
        ("dispersity", [1.0], "dispersity has 1 numbers for 5 scores: give 5"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(name, value, words):
    message = features_to_message(features(), HEADER, "aliked-t16")
    setattr(message, name, value)
    with pytest.raises(ValueError, match=words):
        features_from_message(message)
