"""Which topics of a bag carry the image, its right partner, its depth and their calibration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aliked_ros.datasets.sequence import DatasetError

IMAGE_ROLES = ("image", "right_image", "depth")
INFO_ROLES = ("camera_info", "right_camera_info")
_TRANSPORTS = re.compile(r"/(compressed|compressedDepth|theora|ffmpeg|zstd)$")
_RIGHT = re.compile(r"right|cam_?1\b|camera_?1\b|image_1\b|infra2")
_LEFT = re.compile(r"left|cam_?0\b|camera_?0\b|image_0\b|infra1")
_COLOUR = re.compile(r"color|colour|rgb")
_OF_HEAT = re.compile(r"\bir\b|infra|thermal|lwir")
# Words that tell the right camera from the left one.
_PARTNERS = (("right", "left"), ("1", "0"), ("infra2", "infra1"))


def kind_of(topic: str, message: Any) -> str:
    """Return "image", "depth" or "" for a topic, by its first message and the end of its name.

    Args:
        topic: of type Image or CompressedImage.
        message: the first one, None if there is none.
    """
    if message is None:
        return ""
    name = _end_of(topic)
    if not hasattr(message, "encoding"):
        of_depth = message.format.upper().startswith(("16UC1", "32FC1")) and "depth" in name
        is_depth = "compressedDepth" in message.format or topic.endswith("/compressedDepth")
        return "depth" if of_depth or is_depth else "image"
    encoding = message.encoding.upper()
    if encoding == "16UC1" or encoding.endswith(("FC1", "SC1")):
        return "image" if _OF_HEAT.search(name) else "depth"
    return "depth" if encoding == "MONO16" and "depth" in name else "image"


def choose_topics(path: Path, kinds: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """Return role -> topic; only "image" is certain to be there.

    Args:
        path: the bag, for the error.
        kinds: topic of type Image or CompressedImage -> its kind, as `kind_of` returns it.
        wanted: role -> topic, taken as it is; its "/compressed" may be left out.

    Raises:
        DatasetError: no image topic, or a wanted topic that the bag lacks.
    """
    roles = {role: _find(path, role, topic, list(kinds)) for role, topic in wanted.items()}
    images = [topic for topic, kind in kinds.items() if kind == "image"]
    rights = [topic for topic in images if _is_right(topic, images)]
    others = [topic for topic in images if topic not in rights]
    image = roles.get("image") or min(others or rights, key=_preference, default="")
    if not image:
        raise DatasetError(_no_image(path, kinds))
    partners = [topic for topic in rights if _left_of(topic, [image]) == image]
    depths = [topic for topic, kind in kinds.items() if kind == "depth"]
    found = {
        "image": image,
        "right_image": min(partners, key=_preference, default=""),
        "depth": min(depths, key=_preference, default=""),
    }
    return {role: topic for role, topic in (found | roles).items() if topic}


def not_used(roles: dict[str, str], kinds: dict[str, str]) -> list[str]:
    """Return what is to be said of topics that were passed over."""
    left_out = sorted(set(kinds) - set(roles.values()))
    empty = [topic for topic in left_out if not kinds[topic]]
    others = [
        topic
        for topic in left_out
        if kinds[topic] and _base(topic) not in map(_base, roles.values())
    ]
    remarks = [f"topics without messages: {', '.join(empty)}"] if empty else []
    if others:
        remarks.append(
            f"taken: {', '.join(f'{role} {topic}' for role, topic in roles.items())}; not used: "
            f"{', '.join(others)}; --topic, --right-topic and --depth-topic choose others"
        )
    return remarks


def info_topic(image_topic: str, infos: list[str]) -> str:
    """Return the CameraInfo topic beside an image topic, else the only one there is, else ""."""
    sibling = f"{_base(image_topic).rpartition('/')[0]}/camera_info"
    if image_topic and sibling in infos:
        return sibling
    return infos[0] if image_topic and len(infos) == 1 else ""


def is_rectified_by_name(topic: str) -> bool:
    """Return whether a topic is called as image_proc calls rectified images: image_rect..."""
    return _base(topic).rpartition("/")[2].startswith("image_rect")


def _find(path: Path, role: str, topic: str, topics: list[str]) -> str:
    """Return a wanted topic as the bag calls it."""
    for name in (topic, f"{topic}/compressed", f"{topic}/compressedDepth", f"/{topic}"):
        if role in IMAGE_ROLES and name in topics:
            return name
    raise DatasetError(
        f"bag {path} has no image topic {topic!r} for {role!r}: roles are "
        f"{', '.join(IMAGE_ROLES)}, image topics are {', '.join(topics) or 'none'}"
    )


def _no_image(path: Path, kinds: dict[str, str]) -> str:
    shown = ", ".join(f"{topic} ({kind or 'without messages'})" for topic, kind in kinds.items())
    return (
        f"bag {path} has no image topic: its Image and CompressedImage topics are "
        f"{shown or 'none'}" + ("; --topic chooses one of them" if kinds else "")
    )


def _base(topic: str) -> str:
    return _TRANSPORTS.sub("", topic)


def _end_of(topic: str) -> str:
    """Return the last two parts of a name; a namespace before them says nothing."""
    return "/".join(_base(topic).split("/")[-2:])


def _is_right(topic: str, images: list[str]) -> bool:
    return bool(_RIGHT.search(_end_of(topic))) or bool(_left_of(topic, images))


def _left_of(topic: str, images: list[str]) -> str:
    """Return the left image that is called like a right one, or an empty string."""
    for right, left in _PARTNERS:
        for found in re.finditer(right, topic):
            name = topic[: found.start()] + left + topic[found.end() :]
            for candidate in images:
                if _base(candidate) == _base(name):
                    return candidate
    return ""


def _preference(topic: str) -> tuple[int, int, int, int, str]:
    """Order candidates: left or colour ones first, raw before compressed, aligned depth first."""
    name = _end_of(topic)
    named = 0 if _LEFT.search(name) or _COLOUR.search(name) else 1
    aligned = 0 if "aligned" in topic or "registered" in topic else 1
    is_packed = int(bool(_TRANSPORTS.search(topic)))
    return ("depth" in name, aligned if "depth" in name else named, is_packed, len(topic), topic)
