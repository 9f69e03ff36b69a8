"""Arguments -> the security policy (SROS 2) that allows what the nodes do, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from aliked_ros.starting.interfaces import ANY_NODE, NODES, PROCESSES
from aliked_ros.starting.plan import Plan
from aliked_ros.starting.topics import read_cameras

PREFIX = "/aliked"  # of the enclaves
OPERATOR = "operator"  # the enclave of who looks on and calls services
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by `python3 -m aliked_ros policy`: docs/security.md. -->
"""


def make_policy(plan: Plan) -> str:
    """Return policy.xml, of version 0.2.0, for the topics and the namespace of a plan."""
    policy = ElementTree.Element("policy", version="0.2.0")
    enclaves = ElementTree.SubElement(policy, "enclaves")
    prefix = plan.given["enclaves"].rstrip("/") or PREFIX
    namespace = f"/{plan.given['namespace'].strip('/')}"
    for process, nodes in PROCESSES.items():
        profiles = _enclave(enclaves, f"{prefix}/{process}")
        for node in nodes:
            profile = _profile(profiles, namespace, node)
            published = (*ANY_NODE.publishes, *_published(node, plan))
            subscribed = (*ANY_NODE.subscribes, *_subscribed(node, plan))
            _allow(profile, "topics", "publish", published)
            _allow(profile, "topics", "subscribe", subscribed)
            _allow(profile, "services", "reply", (*ANY_NODE.services, *NODES[node].services))
    _add_operator(_enclave(enclaves, f"{prefix}/{OPERATOR}"), namespace, plan)
    ElementTree.indent(policy)
    return _HEAD + ElementTree.tostring(policy, encoding="unicode") + "\n"


def _published(node: str, plan: Plan) -> list[str]:
    """Return what a node publishes, by the names that a plan gives."""
    return _named(node, NODES[node].publishes, plan)


def _subscribed(node: str, plan: Plan) -> list[str]:
    """Return what a node may subscribe to, likewise."""
    own = NODES[node]
    images, depths = _named(node, own.images, plan), _named(node, own.depths, plan)
    return [
        *_named(node, own.subscribes, plan),
        *images,
        *depths,
        *(f"{topic}/compressed" for topic in (*images, *depths)),
        *(f"{topic}/compressedDepth" for topic in depths),
    ]


def _named(node: str, topics: tuple[str, ...], plan: Plan) -> list[str]:
    cameras = read_cameras(plan.given) if node == "aliked_extractor" else ()
    own = [f"{camera}/{topic}" for topic in topics for camera in cameras] or topics
    return [plan.remappings.get(topic, topic) for topic in own]


def _add_operator(profiles: ElementTree.Element, namespace: str, plan: Plan) -> None:
    """Let an enclave hear what the nodes publish, and ask for their services."""
    parent = namespace.rstrip("/")
    heard = {"/clock"}
    asked = []
    for node, interfaces in NODES.items():
        private = f"{parent}/{node}"
        topics = (*ANY_NODE.publishes, *_published(node, plan))
        heard |= {topic.replace("~", private) for topic in topics}
        services = (*ANY_NODE.services, *interfaces.services)
        asked += [service.replace("~", private) for service in services]
    profile = _profile(profiles, namespace, OPERATOR)
    _allow(profile, "topics", "publish", ("/rosout", "/parameter_events"))
    _allow(profile, "topics", "subscribe", sorted(heard))
    _allow(profile, "services", "request", asked)


def _enclave(enclaves: ElementTree.Element, path: str) -> ElementTree.Element:
    enclave = ElementTree.SubElement(enclaves, "enclave", path=path)
    return ElementTree.SubElement(enclave, "profiles")


def _profile(profiles: ElementTree.Element, namespace: str, node: str) -> ElementTree.Element:
    return ElementTree.SubElement(profiles, "profile", ns=namespace, node=node)


def _allow(profile: ElementTree.Element, kind: str, what: str, names: Iterable[str]) -> None:
    """Allow something of all names: publish or subscribe topics, reply or request services."""
    rule = ElementTree.SubElement(profile, kind, {what: "ALLOW"})
    for name in names:
        ElementTree.SubElement(rule, kind.removesuffix("s")).text = name
