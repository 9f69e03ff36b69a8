"""config/aliked.yaml against the parameters that the nodes really have."""

from pathlib import Path

import pytest
import yaml
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rclpy.parameter import parameter_value_to_python

FILE = Path(__file__).resolve().parents[2] / "config" / "aliked.yaml"
NODES = {
    "extractor_node": {"extractor.weights": "seed:0"},
    "tracker_node": {"camera_transform": "optical"},
    "overlay_node": {},
    "recorder_node": {"output_dir": "out"},
    "player_node": {"dataset": "synthetic"},
}
NOT_OURS = ("use_sim_time", "start_type_description_service", "qos_overrides")


def flatten(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@pytest.mark.parametrize("executable", NODES)
def test_the_file_holds_every_parameter_with_its_default_and_each_is_described(
    executable, processes, probe, tmp_path
):
    # What a node cannot start without is given here, and not compared.
    needed = NODES[executable] | ({"output_dir": tmp_path} if executable == "recorder_node" else {})
    processes.start(executable, **{name.replace(".", "__"): v for name, v in needed.items()})
    name = "aliked_" + executable.removesuffix("_node")
    listed = probe.call(
        ListParameters, f"/{name}/list_parameters", ListParameters.Request()
    ).result.names
    names = [item for item in listed if not item.startswith(NOT_OURS)]
    values = probe.call(
        GetParameters, f"/{name}/get_parameters", GetParameters.Request(names=names)
    ).values
    defaults = {
        item: parameter_value_to_python(value) for item, value in zip(names, values, strict=True)
    }
    described = probe.call(
        DescribeParameters, f"/{name}/describe_parameters", DescribeParameters.Request(names=names)
    ).descriptors
    assert all(len(item.description) > 10 for item in described)

    sections = yaml.safe_load(FILE.read_text())
    common = dict(flatten(sections["/**"]["ros__parameters"]))
    own = dict(flatten(sections[f"/**/{name}"]["ros__parameters"]))
    in_file = own | {item: common[item] for item in common if item in names}
    assert set(in_file) == set(names)
    for item in set(names) - set(needed):
        assert in_file[item] == defaults[item], item
        assert type(in_file[item]) is type(defaults[item]), item
