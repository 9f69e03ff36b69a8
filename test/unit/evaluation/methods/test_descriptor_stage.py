import pytest
import torch

from aliked_ros.evaluation.methods import descriptor_stage
from aliked_ros.evaluation.methods.descriptor_stage import descriptor_stages, stage_gmacs
from aliked_ros.network.weights import load_network


@pytest.fixture
def untrained(monkeypatch):
    monkeypatch.setattr(
        descriptor_stage, "load_released", lambda model: load_network(model, "seed:0")[0]
    )


def test_every_stage_gives_unit_descriptors_of_as_many_keypoints(untrained):
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 255, (64, 96, 3), generator=generator, dtype=torch.uint8)
    keypoints = torch.rand(20, 2, generator=generator) * 50 + 5
    stages = descriptor_stages(image, keypoints, torch.device("cpu"))
    assert len(stages) >= 4
    for name, stage in stages.items():
        descriptors = stage(7).view(7, -1)
        assert descriptors.shape[1] in (64, 128), name
        assert torch.allclose(descriptors.norm(dim=1), torch.ones(7), atol=1e-4), name
        # The first keypoints have the same descriptors in any company.
        assert torch.allclose(stage(20).view(20, -1)[:7], descriptors, atol=1e-5), name


def test_dense_stage_costs_the_same_for_any_number_of_keypoints():
    size = (480, 640)
    dense = [stage_gmacs("dense head, alike-n", size, count) for count in (500, 5000)]
    sparse = [stage_gmacs("SDDH, aliked-n16, compiled", size, count) for count in (500, 5000)]
    assert dense[0] == dense[1] == pytest.approx(5.07, abs=0.01)
    assert sparse[1] == pytest.approx(10 * sparse[0])
    assert sparse[1] < dense[1]
