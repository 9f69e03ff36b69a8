"""Every message that docs/troubleshooting.md explains is one that the program says."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
MESSAGES = re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE)
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "you see" not in line]


def _text(node):
    """Return the text of a string, with … for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return "…" if isinstance(node, ast.FormattedValue) else ""


def _said():
    for folder in ("aliked_ros", "launch"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant | ast.JoinedStr) and _text(node):
                    yield " ".join(_text(node).split())
    for script in ("activate.sh", "install.sh"):
        yield (ROOT / "scripts" / script).read_text()
    node = (ROOT / "scripts" / "node.py.in").read_text().replace("@node@", "node")
    yield from (
        _text(item) for item in ast.walk(ast.parse(node)) if isinstance(item, ast.JoinedStr)
    )


SAID = list(_said())


def test_every_row_begins_with_a_message():
    assert len(MESSAGES) == len(ROWS) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_the_message_is_said(message):
    pattern = re.compile(".*".join(re.escape(part) for part in message.split("…")))
    assert any(pattern.search(text) for text in SAID), message


def test_a_message_that_nobody_says_is_found():
    assert not any("the camera is made of cheese" in text for text in SAID)
