import pytest
import torch

from aliked_ros.network import packed_linear
from aliked_ros.network.packed_linear import PackedLinear


@pytest.mark.parametrize("num_rows", [0, 1, 7, 1024, 1500])
@pytest.mark.parametrize("is_packed", [True, False])
def test_it_is_a_linear_layer(num_rows, is_packed, monkeypatch):
    if not is_packed:
        monkeypatch.setattr(packed_linear, "_pack", lambda weight: None)
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(48, 96, generator=generator), torch.randn(48, generator=generator)
    x = torch.randn(num_rows, 96, generator=generator)
    expected = (x.double() @ weight.double().T + bias.double()).float()
    torch.testing.assert_close(PackedLinear(weight, bias)(x), expected, atol=1e-4, rtol=0)


def test_a_torch_without_these_operators_multiplies_as_usual(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    layer = PackedLinear(torch.eye(3), torch.zeros(3))
    assert layer._packed is None
    assert torch.equal(layer(torch.eye(3)), torch.eye(3))
