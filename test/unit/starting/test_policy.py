"""The security policy: its form, and the names that it has for other arguments."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from aliked_ros.starting.arguments import ARGUMENTS
from aliked_ros.starting.interfaces import PROCESSES
from aliked_ros.starting.plan import make_plan
from aliked_ros.starting.policy import make_policy

FILE = Path(__file__).parents[3] / "config" / "policy.xml"
RULES = {("topics", "publish"), ("topics", "subscribe"), ("services", "reply")}


def policy(**given):
    plan = make_plan({item.name: item.default for item in ARGUMENTS} | given)
    return ElementTree.fromstring(make_policy(plan))


def names(root, enclave, what, node=None):
    profiles = root.findall(f"enclaves/enclave[@path='{enclave}']/profiles/profile")
    return [
        item.text
        for profile in profiles
        if node in (None, profile.get("node"))
        for rule in profile
        if rule.get(what) == "ALLOW"
        for item in rule
    ]


def test_the_file_is_made_from_the_code():
    plan = make_plan({item.name: item.default for item in ARGUMENTS})
    assert FILE.read_text() == make_policy(plan), (
        "run python3 -m aliked_ros policy --out config/policy.xml"
    )


def test_it_has_the_form_of_version_0_2_0():
    root = ElementTree.parse(FILE).getroot()
    assert (root.tag, root.attrib) == ("policy", {"version": "0.2.0"})
    (enclaves,) = root
    paths = [enclave.get("path") for enclave in enclaves]
    assert paths == [*(f"/aliked/{name}" for name in PROCESSES), "/aliked/operator"]
    for enclave in enclaves:
        (profiles,) = enclave
        assert (enclave.tag, profiles.tag) == ("enclave", "profiles")
        for profile in profiles:
            assert (profile.tag, set(profile.attrib)) == ("profile", {"ns", "node"})
            for rule in profile:
                ((what, allowed),) = rule.attrib.items()
                asked = {("services", "request")} if "operator" in enclave.get("path") else set()
                assert allowed == "ALLOW"
                assert (rule.tag, what) in RULES | asked
                assert {item.tag for item in rule} == {rule.tag.removesuffix("s")}
                written = [item.text for item in rule]
                assert len(set(written)) == len(written)


def test_a_process_of_two_nodes_may_do_what_both_do():
    root = policy()
    both = names(root, "/aliked/composed", "publish")
    assert {"features", "odometry", "/tf"} <= set(both)
    assert "odometry" not in names(root, "/aliked/extractor", "publish")


def test_topics_are_those_of_the_arguments():
    root = policy(
        namespace="robot/", cameras="[a,b]", image_topic="image_color", depth_topic="depth"
    )
    subscribed = names(root, "/aliked/extractor", "subscribe")
    assert {"a/image_color", "b/image_color", "b/image_color/compressed", "b/mask"} <= set(
        subscribed
    )
    assert "image_raw" not in subscribed
    assert {"a/features", "b/features"} <= set(names(root, "/aliked/extractor", "publish"))
    tracked = names(root, "/aliked/tracker", "subscribe")
    assert {"a/features", "a/depth", "a/depth/compressedDepth", "a/camera_info"} <= set(tracked)
    assert {one.get("ns") for one in root.iter("profile")} == {"/robot"}
    assert "/robot/aliked_tracker/reset" in names(root, "/aliked/operator", "request")


def test_processes_are_put_into_enclaves_of_the_policy():
    given = {item.name: item.default for item in ARGUMENTS}
    assert [one.security for one in make_plan(given).processes] == [[], []]
    plan = make_plan(given | {"enclaves": "/rig/left/", "dataset": "x", "composed": "false"})
    paths = [one.security[1] for one in plan.processes]
    assert paths == [f"/rig/left/{name}" for name in ("extractor", "tracker", "overlay", "player")]
    assert {one.get("path") for one in policy(enclaves="/rig/left").iter("enclave")} > set(paths)
    with pytest.raises(ValueError, match="enclaves is 'aliked': give a path such as /aliked"):
        make_plan(given | {"enclaves": "aliked"})
