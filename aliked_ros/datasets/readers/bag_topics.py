"""Which topics of a bag carry the image, its right partner, its depth and their calibration."""

from __future__ import annotations

import re
from pathlib import Path

from aliked_ros.datasets.sequence import DatasetError

ROLES = ("image", "right_image", "depth")
_RIGHT = re.compile(r"right|cam_?1\b|camera_?1\b|image_1\b|infra2")
_LEFT = re.compile(r"left|cam_?0\b|camera_?0\b|image_0\b|infra1")
_COLOUR = re.compile(r"color|colour|rgb")


def choose_topics(path: Path, images: list[str], wanted: dict[str, str]) -> dict[str, str]:
    """Return role -> topic; only "image" is certain to be there.

    Args:
        path: the bag, for the error.
        images: topics of type Image or CompressedImage.
        wanted: role -> topic, taken as it is.

    Raises:
        DatasetError: no image topic, or a wanted topic that the bag lacks.
    """
    for role, topic in wanted.items():
        if role not in ROLES or topic not in images:
            raise DatasetError(
                f"bag {path} has no image topic {topic!r} for {role!r}: roles are "
                f"{', '.join(ROLES)}, image topics are {', '.join(images) or 'none'}"
            )
    depths = [topic for topic in images if "depth" in topic]
    rights = [topic for topic in images if topic not in depths and _RIGHT.search(topic)]
    others = [topic for topic in images if topic not in depths and topic not in rights]
    roles: dict[str, str] = {}
    for role, candidates in (
        ("image", others or rights),
        ("right_image", rights if others else []),
        ("depth", depths),
    ):
        chosen = wanted.get(role) or min(candidates, key=_preference, default="")
        if chosen:
            roles[role] = chosen
    if "image" not in roles:
        raise DatasetError(
            f"bag {path} has no image topic: its Image and CompressedImage topics are "
            f"{', '.join(images) or 'none'}"
        )
    return roles


def info_topic(image_topic: str, infos: list[str]) -> str:
    """Return the CameraInfo topic beside an image topic, else the only one there is, else ""."""
    base = re.sub(r"/compressed$", "", image_topic)
    sibling = f"{base.rpartition('/')[0]}/camera_info"
    if image_topic and sibling in infos:
        return sibling
    return infos[0] if image_topic and len(infos) == 1 else ""


def _preference(topic: str) -> tuple[int, int, int, str]:
    """Order candidates: left or colour ones first, raw before compressed, aligned depth first."""
    named = 0 if _LEFT.search(topic) or _COLOUR.search(topic) else 1
    aligned = 0 if "aligned" in topic or "registered" in topic else 1
    return (aligned if "depth" in topic else named, int("compressed" in topic), len(topic), topic)
