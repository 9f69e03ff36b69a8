"""Text files as people's editors write them: byte order marks, UTF-16, and what is no text."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import yaml

from aliked_ros.datasets.sequence import DatasetError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """Return the text of a file: UTF-8, or what the mark at its beginning says.

    Raises:
        DatasetError: naming the file and what is wrong with it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path} is not text in {encoding}: byte {error.start} is 0x{data[error.start]:02x}; "
            "save it as UTF-8"
        ) from error
    if "\0" in text:
        raise DatasetError(f"{path} is not text in {encoding}: it holds zeros; save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the fields of a YAML file, also of one that OpenCV wrote.

    Raises:
        DatasetError: naming the file, if it is no YAML or holds no fields.
    """
    # OpenCV starts with "%YAML:1.0" and marks matrices, neither of which is YAML.
    lines = [line for line in read_text(path).splitlines() if not line.startswith("%")]
    text = "\n".join(lines).replace("!!opencv-matrix", "")
    try:
        # `ros2 topic echo` ends each message with "---", which begins another document.
        content = next(iter(yaml.safe_load_all(text)), None)
    except yaml.YAMLError as error:
        raise DatasetError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} holds no fields: image_width and so on")
    return content
