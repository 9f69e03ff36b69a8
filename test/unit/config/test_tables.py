from pathlib import Path

import yaml

from aliked_ros.config import tables
from aliked_ros.config.catalogue import NODES, parameters_of

ROOT = Path(__file__).parents[3]
REMEDY = "run scripts/write_parameters.py"


def flatten(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def test_the_table_of_the_readme_is_made_from_the_code():
    assert tables.markdown() in (ROOT / "README.md").read_text(), REMEDY


def test_the_parameter_file_is_made_from_the_code():
    assert (ROOT / "config" / "aliked.yaml").read_text() == tables.yaml(), REMEDY


def test_the_parameter_file_gives_every_node_its_defaults_in_their_types():
    sections = yaml.safe_load(tables.yaml())
    common = dict(flatten(sections["/**"]["ros__parameters"]))
    for node in NODES:
        own = dict(flatten(sections[f"/**/{node}"]["ros__parameters"]))
        in_file = common | own
        for entry in parameters_of(node):
            default = entry.field.default
            expected = list(default) if isinstance(default, tuple) else default
            assert in_file[entry.name] == expected, entry.name
            assert type(in_file[entry.name]) is type(expected), entry.name
        assert set(own) <= {entry.name for entry in parameters_of(node)}


def test_the_table_says_what_is_live_and_which_values_are_allowed():
    rows = {row.split("`")[1]: row for row in tables.markdown().splitlines() if "`" in row}
    assert rows["odometry.min_inliers"].startswith(
        "| tracker | `odometry.min_inliers` | 15 | yes |"
    )
    assert rows["extractor.precision"].endswith("(float32, float16) |")
    assert rows["autostart"].startswith("| all | `autostart` | true |  |")
    assert "| extractor tracker overlay view | `max_megapixels`" in rows["max_megapixels"]
