"""A bag with our messages -> what its report shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.cli.report.run_files import STATES, Run
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.readers.bag_file import BagFile, looks_like_bag
from aliked_ros.drawing import TrackTails, draw_tracks, tile
from aliked_ros.extras import require
from aliked_ros.images import ImageError, decode_compressed, decode_image, message_fields
from aliked_ros.structs import Pixels

_COUNTS = ("num_keypoints", "num_matches", "num_inliers")
_STATUS, _MATCHES, _ODOMETRY = (
    "aliked_ros/msg/OdometryStatus", "aliked_ros/msg/Matches", "nav_msgs/msg/Odometry",
)  # fmt: skip
_NUM_PICTURES, _COLUMNS = 6, 2
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


def is_bag(path: Path) -> bool:
    """Return whether a path is a bag."""
    return path.exists() and looks_like_bag(path)


def read_bag_run(path: Path) -> Run:
    """Read what a bag tells of a run.

    Raises:
        MissingPackageError: if rosbags is not installed.
        DatasetError: if it cannot be opened.
        ValueError: naming the bag and what to do, if nobody recorded a status.
    """
    require("rosbags", extra="bags", feature=f"reading the bag {path}")
    bag = BagFile(path)
    topic = _topic_of(bag, _STATUS)
    rows = [] if topic is None else list(bag.messages(topic))
    if not rows:
        raise ValueError(
            f"bag {path} has no message of {_STATUS}: record the topic status, or start the "
            "pipeline with record:=bag"
        )
    stamps_ns = np.array([_stamp_ns(row) for row in rows])
    states = [STATES.get(str(row.state), str(row.state)) for row in rows]
    stages = [name for name in vars(rows[0]) if name.endswith("_ms")]
    tracked = {int(ns) for ns, state in zip(stamps_ns, states, strict=True) if state == "tracking"}
    return Run(
        folder=path,
        summary=_summary(path, bag, topic or "", rows),
        stamps_s=(stamps_ns - stamps_ns[0]) * 1e-9,
        states=states,
        reasons=[row.reason for row in rows],
        counts={name: np.array([float(getattr(row, name)) for row in rows]) for name in _COUNTS},
        stages_ms={
            name.removesuffix("_ms"): np.array([float(getattr(row, name)) for row in rows])
            for name in stages
        },
        path=_read_path(bag, tracked),
        truth=None,
        strip=_read_strip(bag),
    )


def _topic_of(bag: BagFile, type_name: str) -> str | None:
    """Return the first topic of a type, by name."""
    return min(
        (topic for topic, kind in bag.topic_types.items() if kind == type_name), default=None
    )


def _stamp_ns(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def _summary(path: Path, bag: BagFile, topic: str, rows: list[Any]) -> dict[str, Any]:
    """Return what report.json of `track` would say of it, as far as the bag knows."""
    features = _topic_of(bag, "aliked_ros/msg/Features")
    first = None if features is None else bag.first(features)
    network = {} if first is None else {"network": first.model}
    return {
        "sequence": {"name": path.resolve().stem},
        # Numbers, as the demo has them: the images that never reached the tracker have no row.
        "frames in": len(rows),
        "skipped": int(rows[-1].num_skipped),
        "restarts": int(rows[-1].num_restarts),
        "config": {"bag": {"status": topic}},
        **network,
    }


def _read_path(bag: BagFile, tracked: set[int]) -> GroundTruth | None:
    """Return the poses T_odom_base that were measured; None if there are none."""
    topic = _topic_of(bag, _ODOMETRY)
    stamps_ns, rows = [], []
    for message in [] if topic is None else bag.messages(topic):
        p, q = message.pose.pose.position, message.pose.pose.orientation
        row = [p.x, p.y, p.z, q.x, q.y, q.z, q.w]
        if _stamp_ns(message) in tracked and np.isfinite(row).all():
            stamps_ns.append(_stamp_ns(message))
            rows.append(row)
    if not rows:
        return None
    order = np.argsort(stamps_ns)
    return tum_rows.from_rows(np.array(stamps_ns)[order], np.array(rows)[order])


def _read_strip(bag: BagFile) -> Pixels | None:
    """Return pictures with tracks, evenly spread; None if there are no images or no matches."""
    topic, images = _topic_of(bag, _MATCHES), _image_topics(bag)
    if topic is None or not images:
        return None
    where = _places(bag, images)
    stamps_ns = [ns for ns in bag.index(topic, "header")[0][:, 0].tolist() if ns in where]
    if not stamps_ns:
        return None
    last = len(stamps_ns) - 1
    first = min(8, last)  # tails have grown by then
    chosen = {stamps_ns[round(number)] for number in np.linspace(first, last, _NUM_PICTURES)}
    tails, pictures = TrackTails(), []
    for message in bag.messages(topic):
        ids, stamp_ns = message.track_ids.astype(np.int64), _stamp_ns(message)
        tails.update(ids, message.keypoints_current.reshape(-1, 2))
        if stamp_ns not in chosen:
            continue
        image = _image(bag, where[stamp_ns])
        if image is not None:
            _, paths, ages = tails.paths()
            is_inlier = message.inliers.astype(bool)[np.argsort(ids)]
            pictures.append(draw_tracks(image, paths, ages, is_inlier))
    return tile(pictures, _COLUMNS) if pictures else None


def _image_topics(bag: BagFile) -> list[str]:
    """Return the topics of images that are neither depth nor the overlay."""
    return sorted(
        topic
        for topic, kind in bag.topic_types.items()
        if kind in _IMAGES and not {"depth", "right", "overlay"} & set(topic.split("/"))
    )


def _places(bag: BagFile, topics: list[str]) -> dict[int, tuple[str, int, int]]:
    """Return stamp -> topic, time of recording and stamp of the images, ns."""
    return {
        int(stamp_ns): (topic, int(log_time_ns), int(stamp_ns))
        for topic in topics
        for stamp_ns, log_time_ns in bag.index(topic, "header")[0]
    }


def _image(bag: BagFile, place: tuple[str, int, int]) -> Pixels | None:
    message = bag.message(*place)
    try:
        if hasattr(message, "encoding"):
            return decode_image(**message_fields(message))
        return decode_compressed(message.data, message.format)
    except ImageError:
        return None  # the report goes without it
