"""What the documents point to exists."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

import aliked_ros

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# A path is told from the repository, from the package, or from the document's own folder.
BASES = (ROOT, ROOT / "aliked_ros", ROOT / "docs")
SUFFIXES = "py|yaml|yml|xml|sh|md|txt|msg|srv|toml|hpp|cpp|rviz"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    missing = [
        link
        for link in links
        if "://" not in link and not (document.parent / link).resolve().exists()
    ]
    assert missing == []


# integration.md names files of other projects.
@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if path.name != "integration.md"],
    ids=lambda path: path.name,
)
def test_files_that_are_named_with_their_folder_exist(document):
    text = document.read_text()
    named = re.findall(rf"`(?:python3 )?([\w.]+(?:/[\w.]+)+\.(?:{SUFFIXES}))\b", text)
    ours = [path for path in named if not path.startswith(("out/", "mav0/", "data/"))]
    assert [path for path in ours if not any((base / path).exists() for base in BASES)] == []


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    named = re.findall(r"(?:`|^ *)make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) - targets == set()


def test_lines_of_the_readme_fit_a_screen():
    long = [line for line in (ROOT / "README.md").read_text().splitlines() if len(line) > 120]
    assert long == []


def test_the_reference_of_the_messages_is_up_to_date():
    script = runpy.run_path(str(ROOT / "scripts" / "write_messages.py"))
    definitions = sorted([*(ROOT / "msg").glob("*.msg"), *(ROOT / "srv").glob("*.srv")])
    page = script["HEAD"] + "".join(map(script["section"], definitions))
    assert (ROOT / "docs" / "messages.md").read_text() == page, "run scripts/write_messages.py"


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "examples").glob("*.yaml")), ids=str)
def test_every_example_is_a_parameter_file(path):
    def has_parameters(section):
        return isinstance(section, dict) and (
            "ros__parameters" in section or all(map(has_parameters, section.values()))
        )

    sections = yaml.safe_load(path.read_text())
    assert sections
    assert all(map(has_parameters, sections.values()))


def test_the_filter_of_the_example_takes_our_velocities():
    path = ROOT / "config" / "examples" / "robot_localization.yaml"
    filter_ = yaml.safe_load(path.read_text())["ekf_filter_node"]["ros__parameters"]
    sensors = [name for name in filter_ if re.fullmatch(r"(odom|imu)\d", name)]
    assert len(sensors) == 3
    for name in sensors:
        config = filter_[f"{name}_config"]
        assert len(config) == 15
        assert not any(config[:6])  # no pose: two that drift apart would fight each other


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == aliked_ros.__version__
    assert citation["license"] == "BSD-3-Clause"
