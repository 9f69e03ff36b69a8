"""The cameras of an extractor: each has its topics, its decoder and its rate."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node
from rclpy.publisher import Publisher

from aliked_ros.config.nodes import ImageConfig
from aliked_ros.msg import Features
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.qos import RESULT_QOS
from aliked_ros.nodes.extractor.arrival import Arrival


@dataclass(frozen=True, eq=False)
class Stream:
    """A camera.

    Attributes:
        prefix: of its topics, "" or "NAME/".
        decode: message -> pixels.
        publisher: of its features.
    """

    prefix: str
    decode: ImageDecoder
    publisher: Publisher


@dataclass(frozen=True, eq=False)
class Taken:
    """An image that is to be worked on, and the camera that it is from."""

    stream: Stream
    arrival: Arrival


def make_streams(
    node: Node, diagnostics: Diagnostics, images: ImageConfig, names: tuple[str, ...]
) -> list[Stream]:
    """Return a stream for each camera; one without a prefix if there are no names."""
    streams = []
    for prefix in [f"{name}/" for name in names] or [""]:
        decode = ImageDecoder(images, diagnostics, node.resolve_topic_name(f"{prefix}image_raw"))
        publisher = node.create_publisher(Features, f"{prefix}features", RESULT_QOS)
        streams.append(Stream(prefix, decode, publisher))
    return streams
