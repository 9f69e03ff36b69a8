"""One process that trains alone."""

import pytest
import torch

from aliked_ros.training.loop.processes import Processes


@pytest.mark.parametrize(("rank", "is_first"), [(0, True), (1, False)])
def test_only_the_first_process_writes(rank, is_first):
    assert Processes(rank, 2, torch.device("cpu")).is_first is is_first


def test_a_process_alone_trains_the_module_itself():
    module = torch.nn.Linear(1, 1)
    assert Processes(0, 1, torch.device("cpu")).wrap(module) is module
