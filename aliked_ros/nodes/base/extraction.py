"""The features of one image and how they came about, as an object and as a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from std_msgs.msg import Header

from aliked_ros import structs
from aliked_ros.msg import Features
from aliked_ros.nodes.base.conversions.cameras import AnyImage
from aliked_ros.nodes.base.conversions.features import features_from_message, features_to_message
from aliked_ros.structs import Pixels

# What message and Extraction have under the same names.
_SHARED = ("max_keypoints", "num_skipped", "transport_ms", "wait_ms", "decode_ms", "extract_ms")


@dataclass(frozen=True, eq=False)
class Extraction:
    """The features of one image, and how they came about.

    Attributes:
        header: of the image.
        features: on the device of the extractor.
        model: network variant.
        image: the pixels themselves; None if the features came as a message.
        decode_partner: decodes the other image of a pair as this one was; None likewise.
        max_keypoints: how many keypoints were allowed.
        num_skipped: images that the extractor received and could not use so far.
        transport_ms: publishing the image to receiving it.
        wait_ms: receiving the image to beginning with it.
        decode_ms: message to pixels.
        extract_ms: pixels to features.
    """

    header: Header
    features: structs.Features
    model: str
    image: Pixels | None = None
    decode_partner: Callable[[AnyImage], Pixels] | None = None
    max_keypoints: int = 0
    num_skipped: int = 0
    transport_ms: float = 0.0
    wait_ms: float = 0.0
    decode_ms: float = 0.0
    extract_ms: float = 0.0

    def to_message(self, descriptor_type: str) -> Features:
        """Return the message; descriptors as one of DESCRIPTOR_TYPES."""
        message = features_to_message(self.features, self.header, self.model, descriptor_type)
        for name in _SHARED:
            setattr(message, name, getattr(self, name))
        return message

    @classmethod
    def from_message(cls, message: Features) -> Extraction:
        """Return what a message holds.

        Raises:
            ValueError: if it contradicts itself.
        """
        features = features_from_message(message)
        shared = {name: getattr(message, name) for name in _SHARED}
        return cls(message.header, features, message.model, **shared)
