"""Where the topics of the nodes are: of one camera, or of several with one extractor."""

from __future__ import annotations

from aliked_ros.config.nodes import CamerasConfig

# Topic of the nodes -> argument that says where it is.
_ONE_CAMERA = {
    "image_raw": "image_topic",
    "camera_info": "camera_info_topic",
    "depth/image_raw": "depth_topic",
    "mask": "mask_topic",
}
_RIGHT_CAMERA = {
    "right/image_raw": "right_image_topic",
    "right/camera_info": "right_camera_info_topic",
}
_OTHERS = {"scale_odometry": "scale_odometry_topic", "imu": "imu_topic"}


def read_cameras(given: dict[str, str]) -> tuple[str, ...]:
    """Return the names in the argument `cameras`, such as "[left,right]"; none if it is empty.

    Raises:
        ValueError: if they cannot be names, or hold together with another argument.
    """
    text = given["cameras"].strip()
    if not text:
        return ()
    words = text.removeprefix("[").removesuffix("]").split(",")
    names = CamerasConfig(tuple(word.strip().strip("'\"") for word in words)).names
    if not names:
        raise ValueError(f"cameras is {text!r}: give names, such as [left,right]")
    said = f"cameras is {text!r}"
    if given["composed"] == "true":
        raise ValueError(
            f"{said} and composed is true, where a tracker has one camera: leave composed out"
        )
    for name in ("dataset", "camera"):
        if given[name] not in ("", "none"):
            raise ValueError(
                f"{said} and {name} is {given[name]!r}, which is one: give one of them"
            )
    for argument in _ONE_CAMERA.values():
        if given[argument].startswith(("/", "~")):
            raise ValueError(
                f"{said} and {argument} is {given[argument]!r}: with several cameras it is the "
                "part behind NAME/, such as image_color"
            )
    return names


def remap(given: dict[str, str], cameras: tuple[str, ...]) -> dict[str, str]:
    """Return topic of the nodes -> topic that is used.

    Args:
        given: all arguments.
        cameras: names of several; empty: there is one.
    """
    named = _ONE_CAMERA | _RIGHT_CAMERA | _OTHERS
    used = {topic: given[argument] or topic for topic, argument in named.items()}
    if not cameras:
        return used
    parts = {topic: used[topic] for topic in _ONE_CAMERA}
    for name in cameras:
        used |= {f"{name}/{topic}": f"{name}/{part}" for topic, part in parts.items()}
    # The tracker has one camera, and no name for it.
    used |= {topic: f"{cameras[0]}/{part}" for topic, part in parts.items()}
    used["features"] = f"{cameras[0]}/features"
    if _has_pair(given, cameras):
        for topic, argument in _RIGHT_CAMERA.items():
            used[topic] = given[argument] or f"{cameras[1]}/{parts[topic.removeprefix('right/')]}"
    return used


def say_who_is_tracked(given: dict[str, str], cameras: tuple[str, ...]) -> str:
    """Return one sentence on what the tracker does with several cameras; empty: there is one."""
    if not cameras:
        return ""
    others = ", ".join(cameras[1:])
    if _has_pair(given, cameras) and not given["right_image_topic"]:
        return f"the tracker follows {cameras[0]} (left) with {cameras[1]} (right)"
    text = f"the tracker follows {cameras[0]}, the first of cameras"
    return f"{text}; features of {others} are published and not tracked" if others else text


def _has_pair(given: dict[str, str], cameras: tuple[str, ...]) -> bool:
    """Return whether the first two cameras are a stereo pair."""
    return given["sensor"] == "stereo" and len(cameras) > 1
