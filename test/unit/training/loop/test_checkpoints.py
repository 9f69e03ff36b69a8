"""Checkpoints that belong to a run, and those that do not."""

import pytest
import torch

from aliked_ros.training.loop import checkpoints
from aliked_ros.training.loop.checkpoints import CheckpointError

CONFIG = {"model": "aliked-t16", "learning_rate": 1e-3, "processes": 1}


def test_a_state_comes_back(tmp_path):
    path = tmp_path / "deep" / "last.pt"
    given = {"step": 7, "network": {"weight": torch.arange(3.0)}, "best": {"matching_score": 4.5}}
    checkpoints.save(given, CONFIG, path)
    found = checkpoints.load(path, CONFIG)
    assert found["step"] == 7
    assert found["best"] == {"matching_score": 4.5}
    assert torch.equal(found["network"]["weight"], torch.arange(3.0))
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


def test_no_file_is_no_state(tmp_path):
    assert checkpoints.load(tmp_path / "last.pt", CONFIG) is None


@pytest.mark.parametrize(
    ("key", "value"), [("learning_rate", 2e-3), ("model", "aliked-n16"), ("new_setting", 1)]
)
def test_another_config_is_an_error_that_names_the_setting_and_both_values(tmp_path, key, value):
    path = tmp_path / "last.pt"
    checkpoints.save({"step": 7}, CONFIG, path)
    with pytest.raises(
        CheckpointError, match=f"{key} {CONFIG.get(key)!r}, and now it is {value!r}"
    ):
        checkpoints.load(path, CONFIG | {key: value})


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, damage):
    path = tmp_path / "last.pt"
    checkpoints.save({"step": 7, "network": torch.rand(1000)}, CONFIG, path)
    path.write_bytes(path.read_bytes()[:2000] if damage is None else damage)
    with pytest.raises(CheckpointError, match=f"{path} cannot be read.*delete it"):
        checkpoints.load(path, CONFIG)


@pytest.mark.parametrize("content", [{"version": 0}, {"weight": torch.zeros(1)}, [1, 2]])
def test_a_file_of_another_kind_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "last.pt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=f"{path} is not a checkpoint of this version"):
        checkpoints.load(path, CONFIG)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "last.pt"
    checkpoints.save({"step": 7}, CONFIG, path)
    with pytest.raises((AttributeError, TypeError, ValueError, RuntimeError)):
        checkpoints.write({"step": lambda: None}, path)
    assert checkpoints.load(path, CONFIG)["step"] == 7
