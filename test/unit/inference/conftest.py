"""A stand-in for the GPU, and what the network computes without it."""

import pytest
import torch
from stand_in_gpu import CPU, StandIn

from aliked_ros.inference.direct import DirectInference
from aliked_ros.inference.eager import EagerALIKED


@pytest.fixture
def machine():
    return StandIn()


@pytest.fixture(scope="module")
def fused(seeded_network):
    return seeded_network.fuse()


@pytest.fixture(scope="module")
def direct(fused):
    return DirectInference(EagerALIKED(fused, CPU, torch.float32), CPU)
