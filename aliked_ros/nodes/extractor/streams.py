"""The cameras of an extractor: each has its topics, its decoder and its rate."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node
from rclpy.publisher import Publisher

from aliked_ros.config.nodes import ImageConfig
from aliked_ros.msg import Features
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.masks import MaskTopic


@dataclass(frozen=True, eq=False)
class Stream:
    """A camera.

    Attributes:
        prefix: of its topics, "" or "NAME/".
        decode: message -> pixels.
        publisher: of its features.
        masks: where no keypoints are kept; None: there is no such topic.
    """

    prefix: str
    decode: ImageDecoder
    publisher: Publisher
    masks: MaskTopic | None


@dataclass(frozen=True, eq=False)
class Taken:
    """An image that is to be worked on, and the camera that it is from."""

    stream: Stream
    arrival: Arrival


def make_streams(
    node: Node, topics: Topics, images: ImageConfig, names: tuple[str, ...], has_masks: bool
) -> list[Stream]:
    """Return a stream for each camera; one without a prefix if there are no names."""
    diagnostics = topics.diagnostics
    streams = []
    for prefix in [f"{name}/" for name in names] or [""]:
        decode = ImageDecoder(images, diagnostics, node.resolve_topic_name(f"{prefix}image_raw"))
        publisher = node.create_publisher(Features, f"{prefix}features", RESULT_QOS)
        masks = MaskTopic(topics, f"{prefix}mask", images.max_megapixels) if has_masks else None
        streams.append(Stream(prefix, decode, publisher, masks))
    return streams
