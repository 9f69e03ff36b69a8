"""Parameters of the extractor node, at the start and while it works."""

import numpy as np
import pytest
from extractor_probe import count_of, diagnostics, message_of, set_parameter, textured
from rcl_interfaces.srv import GetParameters

from aliked_ros.nodes.base.conversions.features import features_from_message


def test_a_live_parameter_changes_the_next_image_and_bad_values_are_refused(node, probe):
    assert set_parameter(probe, "extractor.max_keypoints", 7).successful
    node(message_of(textured(), 10**9))
    probe.wait_until(lambda: probe.heard["features"], "features")
    assert len(probe.heard["features"][0].scores) == 7

    refused = set_parameter(probe, "extractor.max_keypoints", 0)
    assert not refused.successful
    assert "0" in refused.reason
    refused = set_parameter(probe, "extractor.model", "aliked-n16")
    assert not refused.successful
    assert "takes effect only when the node is configured" in refused.reason
    names = GetParameters.Request(names=["extractor.max_keypoints", "extractor.model"])
    values = probe.call(GetParameters, "/aliked_extractor/get_parameters", names).values
    assert values[0].integer_value == 7
    assert values[1].string_value == "aliked-t16"


def test_images_above_max_rate_hz_are_skipped_before_any_work_and_counted_by_that_name(node, probe):
    assert set_parameter(probe, "max_rate_hz", 0.01).successful
    for index in range(5):
        node(message_of(textured(), (1 + index) * 10**9))
        probe.wait_until(
            lambda count=index: count_of(probe, "received") > count, f"image {index} to be counted"
        )
    probe.wait_until(lambda: count_of(probe, "processed") == 1, "the first image")
    assert count_of(probe, "skipped, above max_rate_hz") == 4
    assert count_of(probe, "sent and not received") == 0
    assert diagnostics(probe)[0].level == diagnostics(probe)[0].OK
    probe.wait_until(lambda: probe.heard["features"], "the features of the first image")
    assert [message.header.stamp.sec for message in probe.heard["features"]] == [1]


def test_a_rate_that_cannot_be_held_takes_keypoints_down_to_the_floor_and_says_so(
    node, probe, processes
):
    for name, value in (
        ("extractor.max_keypoints", 30),
        ("min_keypoints", 10),
        ("target_rate_hz", 1000.0),
    ):
        assert set_parameter(probe, name, value).successful
    heard = probe.heard["features"]

    def send_until(condition, what):
        for index in range(200):
            count = len(heard)
            node(message_of(textured(), (1 + index) * 10**9))
            probe.wait_until(lambda count=count: len(heard) > count, f"features, for {what}")
            if condition():
                return
        pytest.fail(f"200 images without {what}")

    send_until(lambda: heard[-1].max_keypoints == 10, "the floor")
    assert heard[0].max_keypoints == 30
    assert len(heard[-1].scores) == 10
    send_until(lambda: "target_rate_hz" in diagnostics(probe)[0].message, "a complaint")
    assert diagnostics(probe)[1]["keypoints allowed"] == "10"
    assert "only" in processes.log("extractor_node")
    assert set_parameter(probe, "target_rate_hz", 0.0).successful
    send_until(lambda: heard[-1].max_keypoints == 30, "all keypoints again")
    assert len(heard[-1].scores) == 30


@pytest.mark.parametrize(("descriptor_type", "size"), [("float16", 2), ("int8", 1)])
def test_short_descriptors_travel_in_fewer_bytes_and_arrive_as_unit_rows(
    node, probe, descriptor_type, size
):
    node(message_of(textured(), 10**9))
    probe.wait_until(lambda: len(probe.heard["features"]) == 1, "float32 features")
    assert set_parameter(probe, "descriptor_type", descriptor_type).successful
    node(message_of(textured(), 2 * 10**9))
    probe.wait_until(lambda: len(probe.heard["features"]) == 2, f"{descriptor_type} features")
    full, short = probe.heard["features"]
    assert len(short.descriptors) * 4 == len(full.descriptors) * size
    exact, rounded = (features_from_message(message).descriptors for message in (full, short))
    np.testing.assert_allclose(rounded.norm(dim=1), 1.0, atol=1e-6)
    assert (exact * rounded).sum(dim=1).min() > 0.9999
    np.testing.assert_array_equal(full.keypoints, short.keypoints)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"extractor__model": "aliked-n17"}, ["model", "'aliked-n17'", "aliked-n16rot"]),
        ({"extractor__max_keypoints": -1}, ["extractor.max_keypoints is -1", "at least 1"]),
        ({"extractor__weights": "/nowhere/a.pth"}, ["/nowhere/a.pth"]),
        ({"descriptor_type": "int4"}, ["descriptor_type", "'int4'", "int8"]),
        ({"max_rate_hz": -1.0}, ["max_rate_hz is -1.0", "at least 0"]),
        ({"max_rate": 5.0}, ["max_rate is 5.0", "it is called max_rate_hz now"]),
        ({"image_transport": "theora"}, ["image_transport", "'theora'", "compressed"]),
    ],
)
def test_a_bad_start_ends_with_one_clear_line_and_exit_code_1(processes, parameters, words):
    processes.start("extractor_node", **parameters)
    assert processes.wait("extractor_node") == 1
    log = processes.log("extractor_node")
    assert "Traceback" not in log
    assert all(word in log for word in words)
