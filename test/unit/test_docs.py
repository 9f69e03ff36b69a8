"""What the documents point to exists."""

import re
from pathlib import Path

import pytest

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
