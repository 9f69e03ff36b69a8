import pytest
import torch

from aliked_ros.network.aliked import ALIKED
from aliked_ros.training.loop.average import MovingAverage


def _networks():
    return ALIKED.from_seed("aliked-t16", 0), ALIKED.from_seed("aliked-t16", 1)


@pytest.mark.parametrize(("decay", "step", "expected"), [(0.9, 1000, 0.9), (0.9, 5, 5 / 15)])
def test_the_average_moves_by_its_formula(decay, step, expected):
    begin, network = _networks()
    network.block1.bn1.running_mean.fill_(4.0)
    network.block1.bn1.num_batches_tracked.fill_(step)
    average = MovingAverage(begin, decay)
    average.update(network, step)
    found, old, new = (net.state_dict() for net in (average.network, begin, network))
    for name, value in found.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected * old[name] + (1 - expected) * new[name])
        else:
            assert torch.equal(value, new[name])
    assert float(found["block1.bn1.running_mean"][0]) == pytest.approx(4 * (1 - expected))


def test_without_decay_it_is_the_network():
    begin, network = _networks()
    average = MovingAverage(begin, 0.0)
    average.update(network, 1)
    for value, its in zip(
        average.network.state_dict().values(), network.state_dict().values(), strict=True
    ):
        assert torch.equal(value, its)


def test_it_stays_out_of_the_training():
    begin, network = _networks()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    average = MovingAverage(begin.train(), 0.5)
    average.update(network, 1)
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert begin.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
