import numpy as np
import pytest
import torch

from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import Budget
from aliked_ros.extras import MissingPackageError


@pytest.mark.parametrize("model", ["disk", "xfeat"])
def test_kornias_networks_run_with_a_checkpoint_of_ones_own(model, tmp_path):
    feature = pytest.importorskip("kornia.feature")
    torch.manual_seed(0)
    network = feature.DISK() if model == "disk" else feature.XFeat().net
    torch.save(network.state_dict(), tmp_path / "own.pth")
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    features = open_method(f"{model}:{tmp_path / 'own.pth'}", Budget(20, 0.2, "cpu")).extract(image)
    assert len(features) <= 20
    assert features.descriptors.shape[1] == {"disk": 128, "xfeat": 64}[model]
    assert bool((features.scores.diff() <= 0).all())


def test_without_kornia_the_remedy_is_named(tmp_path, hide_package):
    hide_package("kornia")
    (tmp_path / "own.pth").write_bytes(b"")
    with pytest.raises(MissingPackageError, match=r"method disk needs kornia .*\[peers\]"):
        open_method(f"disk:{tmp_path / 'own.pth'}", Budget())
