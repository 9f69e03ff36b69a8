import pytest
import torch

from aliked_ros.config.nodes import DESCRIPTOR_TYPES
from aliked_ros.nodes.base.descriptor_encoding import decode_descriptors, encode_descriptors


def descriptors(count=50):
    generator = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(count, 64, generator=generator))


@pytest.mark.parametrize("descriptor_type", DESCRIPTOR_TYPES)
def test_descriptors_arrive_as_unit_rows_that_point_where_they_did(descriptor_type):
    sent = descriptors()
    travelling = encode_descriptors(sent, descriptor_type)
    assert travelling.dtype == getattr(torch, descriptor_type)
    received = decode_descriptors(travelling)
    assert received.dtype == torch.float32
    torch.testing.assert_close(received.norm(dim=1), torch.ones(len(sent)))
    assert (received * sent).sum(dim=1).min() > 0.9995


def test_each_row_of_int8_uses_all_its_steps():
    travelling = encode_descriptors(descriptors(), "int8")
    assert (travelling.to(torch.int32).abs().amax(dim=1) == 127).all()


@pytest.mark.parametrize("descriptor_type", DESCRIPTOR_TYPES)
def test_no_keypoints_are_no_descriptors(descriptor_type):
    received = decode_descriptors(encode_descriptors(descriptors(0), descriptor_type))
    assert received.shape == (0, 64)


def test_float32_is_not_copied():
    sent = descriptors()
    assert decode_descriptors(encode_descriptors(sent, "float32")) is sent
