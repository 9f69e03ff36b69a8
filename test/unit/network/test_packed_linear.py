import pytest
import torch

from aliked_ros.inference.bfloat16 import why_no_bfloat16
from aliked_ros.network import packed_linear
from aliked_ros.network.packed_linear import PackedLinear


@pytest.mark.parametrize("num_rows", [0, 1, 7, 1024, 1500])
@pytest.mark.parametrize("is_packed", [True, False])
def test_it_is_a_linear_layer(num_rows, is_packed, monkeypatch):
    if not is_packed:
        monkeypatch.setattr(packed_linear, "load_library", lambda: None)
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(64, 96, generator=generator), torch.randn(64, generator=generator)
    x = torch.randn(num_rows, 96, generator=generator)
    expected = (x.double() @ weight.double().T + bias.double()).float()
    torch.testing.assert_close(PackedLinear(weight, bias)(x), expected, atol=1e-4, rtol=0)


def test_a_matrix_that_does_not_fill_blocks_is_multiplied_by_torch():
    layer = PackedLinear(torch.eye(3), torch.zeros(3))
    assert layer.packed is None
    assert torch.equal(layer(torch.eye(3)), torch.eye(3))


def test_too_little_memory_is_said(monkeypatch):
    class Library:
        aliked_linear = staticmethod(lambda *_: 1)

    layer = PackedLinear(torch.eye(32), torch.zeros(32))
    if layer.packed is None:
        pytest.skip("no compiled kernels on this machine: run make install")
    monkeypatch.setattr(packed_linear, "load_library", Library)
    with pytest.raises(MemoryError, match="too little memory: use fewer keypoints"):
        layer(torch.eye(32))


@pytest.mark.skipif(
    bool(why_no_bfloat16(torch.device("cpu"), "auto")), reason="no bfloat16 on this machine"
)
def test_bfloat16_multiplies_rounded_numbers_and_adds_up_in_float32():
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(32, 512, generator=generator), torch.randn(32, generator=generator)
    x = torch.randn(45, 512, generator=generator)
    found = PackedLinear(weight, bias, "bfloat16")(x)
    rounded = x.bfloat16().double() @ weight.bfloat16().double().T + bias.double()
    torch.testing.assert_close(found, rounded.float(), atol=1e-4, rtol=0)
