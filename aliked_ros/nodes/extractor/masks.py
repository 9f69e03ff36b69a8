"""Masks that come as messages: where in the images of one camera no keypoints are kept."""

from __future__ import annotations

import threading
from collections import deque

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from aliked_ros.images import ImageError
from aliked_ros.nodes.base.conversions.cameras import image_from_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.latched import subscribe_newest
from aliked_ros.nodes.base.qos import NEWEST_QOS
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.structs import Pixels

ENCODINGS = ("mono8", "8UC1")
_NUM_KEPT = 8  # newest ones, of which one may be of the stamp of an image


class MaskTopic:
    """Subscribes to the masks of a camera; they may be sent once, or as often as images.

    The mask that has an image's stamp holds for it, else the newest one. One that cannot be used is
    refused and counted; the one before it holds on.

    Args:
        topics: subscribes.
        topic: relative name.
        max_megapixels: of a mask; 0: any number.
    """

    def __init__(self, topics: Topics, topic: str, max_megapixels: float) -> None:
        self._topics = topics
        self._max_megapixels = max_megapixels
        self._masks: deque[tuple[int, Pixels]] = deque(maxlen=_NUM_KEPT)  # stamp and mask
        self._lock = threading.Lock()
        self._topic = subscribe_newest(topics, Image, topic, self._store, lambda: not self._masks)

    def of(self, header: Header, height: int, width: int) -> Pixels | None:
        """Return the mask of an image of a size, (H, W) uint8, 0 where no keypoints are kept.

        None, which is counted and said, as long as no mask of that size has come.
        """
        with self._lock:
            others = [mask.shape for _, mask in self._masks if mask.shape != (height, width)]
            fitting = [one for one in self._masks if one[1].shape == (height, width)]
            self._masks = deque(fitting, maxlen=_NUM_KEPT)
        for rows, columns in others:
            self._refuse(
                f"it is {columns}x{rows}, the image is {width}x{height}: publish masks of the "
                "size of the images"
            )
        if not fitting:
            self._miss()
            return None
        stamp_ns = stamp_to_ns(header.stamp)
        same = [mask for mask_ns, mask in fitting if mask_ns == stamp_ns]
        return same[-1] if same else fitting[-1][1]

    def forget(self) -> None:
        """Forget all masks: the node listens no longer, and they grow old."""
        with self._lock:
            self._masks.clear()

    def _store(self, message: Image, _: int) -> None:
        try:
            if message.encoding not in ENCODINGS:
                raise ImageError(
                    f"encoding is {message.encoding!r}: publish mono8, 0 where no keypoints are "
                    "wanted, any other value elsewhere"
                )
            mask = image_from_message(message, max_megapixels=self._max_megapixels)
        except ImageError as error:
            self._refuse(explain(error))
            return
        with self._lock:
            self._masks.append((stamp_to_ns(message.header.stamp), mask))

    def _refuse(self, why: str) -> None:
        self._topics.diagnostics.count(
            f"masks of {self._topic} refused", f"a mask of {self._topic} is not used: {why}"
        )

    def _miss(self) -> None:
        why = self._topics.why_silent(Image, self._topic, NEWEST_QOS)
        self._topics.diagnostics.count(
            f"images without a mask of {self._topic}",
            f"use_mask_topic is true and no mask has come on {self._topic}: keypoints are kept "
            f"everywhere until then ({why})",
        )
