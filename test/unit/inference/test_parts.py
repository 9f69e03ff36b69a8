import torch

from aliked_ros.inference.parts import join, split


def test_two_parts_keep_nearly_all_digits():
    x = torch.randn(50, 16, generator=torch.Generator().manual_seed(0)) * 5
    parts = split(x)
    assert parts.shape == (50, 2, 16)
    assert parts.dtype == torch.float16
    # Half a unit of the second part, which is at least 2^-24.
    assert ((join(parts) - x).abs() <= x.abs() * 2**-22 + 2**-24).all()


def test_a_product_of_parts_is_a_float32_product():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(64, 288, generator=generator) for _ in range(2))
    left, right = split(x).double(), split(y).double()
    found = sum(left[:, i] @ right[:, j].T for i in (0, 1) for j in (0, 1))
    exact = x.double() @ y.double().T
    error = (found - exact).abs().max()
    assert error < 2 * ((x @ y.T).double() - exact).abs().max()
