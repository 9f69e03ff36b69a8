"""Why nothing comes on a topic: who publishes what on it, and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible

_NUM_SUGGESTED = 3
# Part of a topic's name -> what makes a node take that form of an image.
_TRANSPORTS = {
    "compressed": "image_transport to 'compressed'",
    "compressedDepth": "depth_transport to 'compressedDepth'",
}


@dataclass(frozen=True)
class Wanted:
    """What a node subscribes to.

    Attributes:
        topic: full name.
        message_type: as ROS writes it, such as "sensor_msgs/msg/Image".
        qos: that it asks for.
    """

    topic: str
    message_type: str
    qos: QoSProfile


def type_name(message_type: Any) -> str:
    """Return the name of a message class as ROS writes it."""
    package, kind, *_ = message_type.__module__.split(".")
    return f"{package}/{kind}/{message_type.__name__}"


def why_silent(node: Node, wanted: Wanted) -> str:
    """Return one or two clauses about the publishers of a topic on which nothing comes."""
    publishers = node.get_publishers_info_by_topic(wanted.topic)
    if not publishers:
        return f"nobody publishes {wanted.topic}{_suggestion(node, wanted)}"
    problems = {problem for one in publishers if (problem := why_unheard(one, wanted))}
    if problems:
        return "; ".join(sorted(problems))
    names = ", ".join(publisher_names(node, wanted.topic))
    return f"{names} publishes {wanted.topic} and sends nothing: check it with ros2 topic hz"


def publisher_names(node: Node, topic: str) -> list[str]:
    """Return the full names of the nodes that publish a topic."""
    return sorted({_name(one) for one in node.get_publishers_info_by_topic(topic)})


def why_unheard(publisher: Any, wanted: Wanted) -> str:
    """Return why a publisher is not heard and what would help, or an empty string."""
    if publisher.topic_type != wanted.message_type:
        return (
            f"{_name(publisher)} sends {publisher.topic_type} on {wanted.topic}, this node takes "
            f"{wanted.message_type}: remap one of them"
        )
    verdict, _ = qos_check_compatible(publisher.qos_profile, wanted.qos)
    if verdict != QoSCompatibility.ERROR:
        return ""
    differing = [
        f"{policy} {_word(publisher, policy)}, this node asks for {_word(wanted, policy)}"
        for policy in ("reliability", "durability")
        if _word(publisher, policy) != _word(wanted, policy)
    ]
    return (
        f"{_name(publisher)} offers {wanted.topic} with {' and '.join(differing)}: change its QoS, "
        f"or set qos_overrides.{wanted.topic}.subscription.reliability of this node where it has it"
    )


def _has_others(node: Node, topic: str) -> bool:
    """Return whether another node publishes a topic."""
    own = node.get_fully_qualified_name()
    return any(_name(one) != own for one in node.get_publishers_info_by_topic(topic))


def _word(endpoint: Any, policy: str) -> str:
    qos = getattr(endpoint, "qos_profile", None) or endpoint.qos
    return getattr(qos, policy).name.lower()


def _name(publisher: Any) -> str:
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"


def _suggestion(node: Node, wanted: Wanted) -> str:
    """Return which published topics may be meant."""
    topics = dict(node.get_topic_names_and_types())
    for ending, remedy in _TRANSPORTS.items():
        sibling = f"{wanted.topic}/{ending}"
        if sibling in topics and node.count_publishers(sibling):
            return f", but {sibling} has a publisher: set {remedy}"
    alike = [
        name
        for name, types in topics.items()
        if wanted.message_type in types and name != wanted.topic and _has_others(node, name)
    ]
    near = get_close_matches(wanted.topic, alike, _NUM_SUGGESTED, cutoff=0.0)
    if not near:
        return f", and no topic of type {wanted.message_type} has a publisher"
    return f"; topics of its type are {', '.join(near)}: remap with -r {wanted.topic}:={near[0]}"
