import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from aliked_ros.evaluation.methods.alike_network import ALIKE, VARIANTS
from aliked_ros.evaluation.methods.complexity import (
    PUBLISHED_GMACS,
    dense_head,
    giga_multiply_adds,
    sparse_head,
)
from aliked_ros.network.sddh import SDDH


@pytest.mark.parametrize("model", VARIANTS)
def test_alike_equals_torchs_own_count(model):
    network = ALIKE(model).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 60, 96))
    assert giga_multiply_adds(model, (60, 96), 0) == pytest.approx(
        counter.get_total_flops() / 2e9, rel=1e-6
    )


@pytest.mark.parametrize("model", PUBLISHED_GMACS)
def test_count_is_the_published_one_less_its_interpolations(model):
    ours = giga_multiply_adds(model, (480, 640), 1000)
    assert 0.82 < ours / PUBLISHED_GMACS[model] < 1


def test_sparse_head_is_the_sum_of_its_layers():
    dim, num_samples = 64, 16
    head = SDDH(dim, num_samples)
    # Every weight but the biases is used once for each position that it is applied at.
    first, _, second = head.offset_conv
    expected = first.weight.numel() + second.weight.numel()
    expected += num_samples * head.sf_conv.weight.numel() + head.agg_weights.numel()
    assert sparse_head(dim, num_samples) == expected


def test_dense_head_is_the_sum_of_its_layers():
    network = ALIKE("alike-l")
    expected = network.convhead1.weight.numel() + network.convhead2.weight.numel()
    assert dense_head(128, 2) == expected


def test_other_methods_are_not_counted():
    assert giga_multiply_adds("sift", (480, 640), 1000) is None
