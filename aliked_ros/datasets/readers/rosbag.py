"""A rosbag2 recording (sqlite3 or mcap), read without ROS through rosbags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.datasets import camera_files, partners, stamps
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.readers.bag_cameras import changes, read_cameras
from aliked_ros.datasets.readers.bag_file import BagFile, looks_like_bag
from aliked_ros.datasets.readers.bag_topics import (
    IMAGE_ROLES,
    INFO_ROLES,
    choose_topics,
    kind_of,
    not_used,
)
from aliked_ros.datasets.sequence import DatasetError, FrameError, Pictures, Sequence
from aliked_ros.extras import require
from aliked_ros.images import (
    GreyRange,
    ImageError,
    decode_compressed,
    decode_compressed_depth,
    decode_depth,
    decode_image,
    message_fields,
)
from aliked_ros.structs import Index

MAX_PARTNER_OFFSET_NS = 20_000_000
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class RosbagSequence(Sequence):
    """A rosbag2 folder or one of its files; depth images are taken as registered to the image."""

    layout = "rosbag2"
    looks_for = "metadata.yaml beside .db3 or .mcap files (rosbag2)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a path looks like this layout."""
        return looks_like_bag(path)

    def __init__(self, path: Path, options: Options) -> None:
        require("rosbags", extra="bags", feature=f"reading the bag {path}")
        self._bag, self._options = BagFile(path), options
        topics = sorted(name for name, kind in self._bag.topic_types.items() if kind in _IMAGES)
        kinds = {topic: kind_of(topic, self._bag.first(topic)) for topic in topics}
        roles = choose_topics(path, kinds, _wanted(options))
        remarks = not_used(roles, kinds)
        index = {}
        for role, topic in roles.items():
            index[role], said = self._bag.index(topic, options.stamps)
            remarks += said
        slop_ns = options.sync_slop_ns(MAX_PARTNER_OFFSET_NS)
        stamps_ns = index["image"][:, 0]
        self._roles = roles
        self._log_times = {
            role: _partners(stamps_ns, times_ns, slop_ns) for role, times_ns in index.items()
        }
        self.grey_range: GreyRange = GreyRange(options.grey_range)
        cameras = camera_files.override(read_cameras(self._bag, roles, options), path, options)
        sensors = ["mono"]
        for role, what in (("right_image", "right image"), ("depth", "depth image")):
            if role in roles:
                others_ns = index[role][:, 0]
                remarks.append(partners.unpaired(what, stamps_ns, others_ns, slop_ns))
        remarks += [_not_registered(self._bag, roles), *changes(self._bag, roles, options)]
        if "right_image" in roles and cameras.right_camera is not None:
            sensors.append("stereo")
        elif "right_image" in roles:
            remarks.append(
                f"the right images of {roles['right_image']} are not used: {cameras.right_problem}"
            )
        if "depth" in roles and (self._log_times["depth"] >= 0).any():
            sensors.append("rgbd")
        super().__init__(
            path.stem if path.is_file() else path.resolve().name,
            stamps_ns,
            cameras,
            sensors=tuple(sensors),
            remarks=remarks,
        )

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        try:
            image = self._picture("image", index, self.grey_range)
        except ImageError as error:
            raise FrameError(index, f"{self._roles['image']}: {error}") from error
        if image is None:
            raise FrameError(index, f"{self._roles['image']}: the image is missing")
        right = self._partner("right_image", index) if with_right else None
        return Pictures(image, right, self._partner("depth", index) if with_depth else None)

    def _partner(self, role: str, index: int) -> Any:
        """Return the right or depth image of a frame, None where it is missing or broken."""
        try:
            return self._picture(role, index, self.grey_range.held())
        except ImageError as error:
            self._leave_out(f"{self._roles[role]}: {error}")
            return None

    def _picture(self, role: str, index: int, grey_range: GreyRange) -> Any:
        """Return the pixels of a role's message at a frame, or None where it has none."""
        log_time_ns, stamp_ns = (int(value) for value in self._log_times[role][index])
        if log_time_ns < 0:
            return None
        message = self._bag.message(self._roles[role], log_time_ns, stamp_ns)
        scale, megapixels = self._options.depth_scale, self._options.max_megapixels
        if not hasattr(message, "encoding"):
            if role == "depth":
                return decode_compressed_depth(message.data, message.format, scale, megapixels)
            return decode_compressed(message.data, message.format, grey_range, megapixels)
        fields = message_fields(message)
        if role == "depth":
            return decode_depth(**fields, depth_scale=scale, max_megapixels=megapixels)
        return decode_image(**fields, grey_range=grey_range, max_megapixels=megapixels)


def _not_registered(bag: BagFile, roles: dict[str, str]) -> str:
    """Return that depth is of another frame than the image, or an empty string."""
    if "depth" not in roles:
        return ""
    image, depth = bag.first(roles["image"]), bag.first(roles["depth"])
    frames = image.header.frame_id, depth.header.frame_id
    if "" in frames or frames[0] == frames[1]:
        return ""
    return (
        f"{roles['depth']} has the frame_id {frames[1]!r}, {roles['image']} has {frames[0]!r}: the "
        "depth is taken as registered to the image; record aligned depth if it is not"
    )


def _wanted(options: Options) -> dict[str, str]:
    """Return role -> topic of the images that are asked for."""
    unknown = {role for role, _ in options.topics} - {*IMAGE_ROLES, *INFO_ROLES}
    if unknown:
        raise DatasetError(
            f"topics name the role {sorted(unknown)[0]!r}: roles are "
            f"{', '.join((*IMAGE_ROLES, *INFO_ROLES))}"
        )
    return {role: topic for role, topic in options.topics if role in IMAGE_ROLES}


def _partners(stamps_ns: Index, times_ns: Index, slop_ns: int) -> Index:
    """Return (N, 2) time of recording and stamp of each frame's partner, -1 where none."""
    partners = stamps.nearest(stamps_ns, times_ns[:, 0], slop_ns)
    table = np.full((len(stamps_ns), 2), -1, np.int64)
    table[partners >= 0] = times_ns[partners[partners >= 0]][:, ::-1]
    return table
