"""An image as it came to the extractor."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sensor_msgs.msg import CompressedImage, Image


@dataclass(frozen=True)
class Arrival:
    """An image message and when it came.

    Attributes:
        message: raw or compressed.
        transport_ms: publishing it to receiving it, by the clocks of the two hosts.
        received_s: when it was received, `time.perf_counter`.
    """

    message: Image | CompressedImage
    transport_ms: float
    received_s: float

    @classmethod
    def now(cls, message: Image | CompressedImage, sent_ns: int) -> Arrival:
        """Return a message that comes now; `sent_ns` is the sender's wall clock."""
        return cls(message, (time.time_ns() - sent_ns) * 1e-6, time.perf_counter())
