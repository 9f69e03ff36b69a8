"""Every file of config/ can be loaded by whom it is for."""

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from aliked_ros.cli.train import read_config
from aliked_ros.config import ExtractorConfig
from aliked_ros.training.loop.trainer import BEST

FOLDER = Path(__file__).parents[2] / "config"
RECIPES = sorted(path.name for path in FOLDER.glob("train_*.yaml"))
# `examples` are for the nodes of others; test_docs.py reads them.
OTHERS = [
    "aliked.foxglove.json", "aliked.yaml", "aliked.rviz", "examples", "fastdds_large_images.xml",
    "policy.xml",
]  # fmt: skip


@pytest.fixture
def data(monkeypatch, tmp_path):
    """The folders that the recipes name by environment variables."""
    for name in ("ALIKED_SHARED", "ALIKED_PHOTOGRAPHS", "ALIKED_MEGADEPTH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def test_every_file_is_loaded_here():
    assert sorted(os.listdir(FOLDER)) == sorted([*RECIPES, *OTHERS])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_read_and_its_folders_come_from_the_environment(name, data):
    config = read_config(FOLDER / name, [])
    assert config.out == f"out/{Path(name).stem}"
    assert config.photographs.startswith(str(data))
    assert config.validation.startswith(str(data))


def test_the_second_stage_begins_with_the_weights_of_the_first(data):
    first, second = (read_config(FOLDER / f"train_t16{s}.yaml", []) for s in ("", "_stage2"))
    assert second.initial_weights == f"{first.out}/{BEST}"
    assert second.model == first.model


def test_parameters_of_the_extractor_are_a_configuration_of_its_own_defaults():
    sections = yaml.safe_load((FOLDER / "aliked.yaml").read_text())
    for section in sections.values():
        assert list(section) == ["ros__parameters"]
    extractor = sections["/**/aliked_extractor"]["ros__parameters"]["extractor"]
    assert ExtractorConfig(**extractor) == ExtractorConfig()


def test_the_view_shows_topics_of_the_tracker_and_the_overlay():
    view = yaml.safe_load((FOLDER / "aliked.rviz").read_text())
    displays = view["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert topics == {
        "path", "odometry", "landmarks", "keyframes", "tracks", "state_text",
        "overlay",
    }  # fmt: skip


PUBLISHED = {"path", "odometry", "landmarks", "keyframes", "tracks", "state_text", "status"}
PUBLISHED |= {"overlay", "diagnostics"}


def _panels(layout):
    """Yield the panels of a layout of Foxglove; a split has a direction and two parts."""
    if isinstance(layout, str):
        yield layout
        return
    assert layout["direction"] in ("row", "column")
    assert 0 < layout["splitPercentage"] < 100
    yield from _panels(layout["first"])
    yield from _panels(layout["second"])


def _topics(config):
    """Return the topics, and the paths into their messages, that a panel of Foxglove shows."""
    topics = {topic[1:] for topic in config.get("topics", {})}
    topics |= {config[name][1:] for name in ("topicToRender",) if name in config}
    topics |= {config["imageMode"]["imageTopic"][1:]} if "imageMode" in config else set()
    paths = {path["value"][1:] for path in config.get("paths", [])}
    return topics | {path.split(".")[0] for path in paths}, paths


def test_the_layout_of_foxglove_shows_topics_and_fields_that_are_published():
    data = json.loads((FOLDER / "aliked.foxglove.json").read_text())
    panels = list(_panels(data["layout"]))
    assert sorted(panels) == sorted(data["configById"])  # each once
    assert {name.split("!")[0] for name in panels} == {
        "3D", "Image", "StateTransitions", "Plot", "DiagnosticSummary",
    }  # fmt: skip
    message = (FOLDER.parent / "msg" / "OdometryStatus.msg").read_text()
    fields = set(re.findall(r"^[\w/]+ (\w+)(?: |$)", message, re.MULTILINE))
    shown = set()
    for config in data["configById"].values():
        topics, paths = _topics(config)
        shown |= topics
        assert {path.removeprefix("status.") for path in paths} <= fields
    assert shown == PUBLISHED
    sources = "".join(
        path.read_text() for path in (FOLDER.parent / "aliked_ros" / "nodes").rglob("*.py")
    )
    published = set(re.findall(r'create_publisher\(\s*\w+, "/?(\w+)"', sources))
    assert shown <= published


def test_the_transport_profile_makes_room_for_large_images():
    root = ET.parse(FOLDER / "fastdds_large_images.xml").getroot()
    spaces = {"d": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}
    (size,) = root.findall(".//d:segment_size", spaces)
    assert int(size.text) > 10 * 1920 * 1080 * 3
    defined = [
        item.text for item in root.findall(".//d:transport_descriptor/d:transport_id", spaces)
    ]
    used = [item.text for item in root.findall(".//d:userTransports/d:transport_id", spaces)]
    assert used == defined
