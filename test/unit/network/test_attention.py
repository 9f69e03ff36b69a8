import pytest
import torch

from aliked_ros.network.attention import attend


@pytest.mark.parametrize(("num", "others"), [(1, 1), (5, 33), (40, 32), (100, 257), (0, 3)])
def test_each_point_receives_the_values_of_the_others_by_its_weights(num, others):
    generator = torch.Generator().manual_seed(0)
    q, k, v = (2 * torch.randn(n, 3 * 64, generator=generator) for n in (num, others, others))
    found = attend(q, k, v)
    expected = []
    for head in range(3):
        columns = slice(64 * head, 64 * head + 64)
        logits = q[:, columns].double() @ k[:, columns].double().T / 8
        expected.append(logits.softmax(dim=1) @ v[:, columns].double())
    torch.testing.assert_close(found, torch.cat(expected, dim=1).float(), atol=2e-5, rtol=0)


def test_large_logits_do_not_overflow_and_rows_may_lie_apart():
    q, k = torch.full((2, 128), 1e3)[:, :64], torch.eye(64)
    k[7] += 1.0
    received = attend(q, k, torch.eye(64))
    torch.testing.assert_close(received, torch.eye(64)[[7, 7]])
