"""Hear a topic whose newest message holds, also where it was sent once, before we came."""

from __future__ import annotations

from collections.abc import Callable

from aliked_ros.nodes.base.qos import LATCHED_QOS, NEWEST_QOS
from aliked_ros.nodes.base.topics import Callback, Topics


def subscribe_newest(
    topics: Topics,
    message_type: type,
    topic: str,
    callback: Callback,
    is_missing: Callable[[], bool],
) -> str:
    """Take the newest message of a topic that is sent again and again, or once and kept.

    Args:
        topics: subscribes, and knows who publishes.
        message_type: class of the messages.
        topic: relative or full name.
        callback: takes a message and the time of its sending; silence is not warned of.
        is_missing: whether nothing has come yet that could be used.

    Returns:
        The full name of the topic.
    """
    name = topics.subscribe(message_type, topic, NEWEST_QOS, callback, is_watched=False)
    is_heard = False

    def look() -> None:
        """Subscribe in the way that hears what was sent before, if somebody sent it so.

        Not before: a publisher of the other kind would warn its user of a subscriber that it
        cannot serve.
        """
        nonlocal is_heard
        is_needed = not is_heard and topics.is_open and is_missing()
        if is_needed and topics.has_latched_publisher(name):
            is_heard = True
            topics.subscribe(message_type, name, LATCHED_QOS, callback, is_watched=False)

    topics.diagnostics.add_check(look)
    return name
