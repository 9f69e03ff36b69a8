"""What a user imports from the package itself, and the example of README that uses it."""

import re
from pathlib import Path

import numpy as np
import pytest

import aliked_ros
from aliked_ros.network import weights
from aliked_ros.network.released import NoWeightsError

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("name", aliked_ros.__all__)
def test_public_name_exists_and_is_offered_by_completion(name):
    assert getattr(aliked_ros, name) is not None
    assert name in dir(aliked_ros)


def test_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Extract0r'"):
        aliked_ros.Extract0r  # noqa: B018 - the look-up is what is tested


def test_the_example_of_the_readme_leads_from_images_to_a_pose(monkeypatch, capsys):
    def nothing(model, weights):
        raise NoWeightsError(f"no weights for {model}")

    monkeypatch.setattr(weights, "load_network", nothing)  # the packaged weights are enough
    example = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    assert len([line for line in example.splitlines() if line]) <= 11, "ten lines, one import"
    used = {}
    exec(compile(example.replace("limit=30", "limit=6"), str(README), "exec"), used)
    assert capsys.readouterr().out.count("TRACKING") == 6
    truth = used["sequence"].ground_truth.T_world_camera
    T_first_last = np.linalg.inv(truth[0]) @ truth[5]
    error_m = np.linalg.norm(used["result"].T_world_camera[:3, 3] - T_first_last[:3, 3])
    moved_m = np.linalg.norm(T_first_last[:3, 3])
    assert error_m < 0.1 * moved_m
