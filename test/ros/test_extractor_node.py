import sys

import cv2
import numpy as np
import pytest
from aliked_ros.msg import Features
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from aliked_ros.config import ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST
from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.features import features_from_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.qos import LATCHED_QOS


def textured(seed=0, size=(120, 160)):
    """Return an image of random rectangles, (H, W, 3) uint8."""
    generator = np.random.default_rng(seed)
    image = np.full((*size, 3), 127, np.uint8)
    for _ in range(60):
        top, left = generator.integers(0, size[0]), generator.integers(0, size[1])
        height, width = generator.integers(5, 40, 2)
        image[top : top + height, left : left + width] = generator.integers(0, 256, 3)
    return image


def message_of(image, stamp_ns, **changes):
    header = Header(stamp=ns_to_stamp(stamp_ns), frame_id="left_optical")
    message = image_to_message(image, header)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.fixture
def node(processes, probe, network_parameters):
    """Start the extractor and return a function that sends it an image."""
    processes.start("extractor_node", **network_parameters)
    images = probe.publisher(Image, "image_raw")
    probe.listen(Features, "features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_until(lambda: probe.node.count_publishers("features") == 1, "the extractor")
    probe.wait_until(lambda: hears(probe, "/image_raw"), "the extractor to hear the probe")
    return images.publish


def hears(probe, topic):
    """Return whether the extractor says that it hears a publisher of a topic."""
    return bool(probe.heard["/diagnostics"]) and (
        diagnostics(probe)[1][f"publishers of {topic}"] != "0"
    )


def diagnostics(probe):
    """Return the newest status of the extractor and its values."""
    status = probe.heard["/diagnostics"][-1].status[0]
    return status, {item.key: item.value for item in status.values}


def test_features_are_those_of_the_library_with_stamp_and_frame_of_the_image(
    node, probe, processes, network_parameters
):
    image = textured()
    node(message_of(image, 5_000_000_123))
    probe.wait_until(lambda: probe.heard["features"], "features")
    message = probe.heard["features"][0]
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (5, 123)
    assert message.header.frame_id == "left_optical"
    assert (message.height, message.width) == image.shape[:2]
    assert message.model == network_parameters["extractor__model"]

    settings = {name.split("__")[1]: value for name, value in network_parameters.items()}
    expected = Extractor(ExtractorConfig(**settings, device="cpu"))(image)
    received = features_from_message(message)
    assert len(received) == len(expected) > 10
    np.testing.assert_allclose(received.keypoints, expected.keypoints, atol=1e-3)
    np.testing.assert_allclose(received.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(received.descriptors, expected.descriptors, atol=1e-4)
    assert np.all(np.diff(received.scores) <= 0)
    assert message.extract_ms > 0
    assert processes.interrupt("extractor_node") == 0


def test_images_that_cannot_be_used_are_counted_reported_and_skipped(node, probe):
    image = textured()
    node(message_of(image, 10**9, encoding="hsv8"))
    probe.wait_until(
        lambda: probe.heard["/diagnostics"] and "skipped, undecodable" in diagnostics(probe)[1],
        "a report of the unknown encoding",
    )
    status, values = diagnostics(probe)
    assert values["skipped, undecodable"] == "1"
    assert status.level == status.WARN
    assert "'hsv8'" in status.message
    assert "bgr8" in status.message

    node(message_of(image, 2 * 10**9))
    probe.wait_until(lambda: probe.heard["features"], "features of the next image")
    message = probe.heard["features"][0]
    assert message.header.stamp.sec == 2
    assert message.num_skipped == 1


def test_in_a_burst_the_newest_image_wins_and_every_other_is_counted(node, probe):
    images = [message_of(textured(seed, (480, 640)), (1 + seed) * 10**9) for seed in range(13)]
    first, *burst = images
    node(first)
    probe.wait_until(lambda: probe.heard["features"], "features of the first image")
    for message in burst:
        node(message)

    def all_accounted_for():
        if not probe.heard["/diagnostics"]:
            return False
        values = diagnostics(probe)[1]
        passed_over = int(values["skipped, newer image came"])
        missed = int(values["sent and not received"])
        return int(values["processed"]) + passed_over + missed == len(images)

    last_s = len(images)
    probe.wait_until(
        lambda: probe.heard["features"][-1].header.stamp.sec == last_s, "the newest image"
    )
    probe.wait_until(all_accounted_for, "processed + passed over + missed == sent")
    stamps = [message.header.stamp.sec for message in probe.heard["features"]]
    assert stamps == sorted(set(stamps))
    assert len(stamps) < len(images)
    assert probe.heard["features"][-1].num_skipped == len(images) - len(stamps)


def test_compressed_images_are_heard_beside_the_remapped_topic(
    processes, probe, network_parameters
):
    processes.start(
        "extractor_node",
        "-r",
        "image_raw:=/camera/image",
        image_transport="compressed",
        **network_parameters,
    )
    images = probe.publisher(CompressedImage, "/camera/image/compressed")
    probe.listen(Features, "features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_until(lambda: hears(probe, "/camera/image/compressed"), "the extractor")
    image = textured()
    message = CompressedImage(format="rgb8; png compressed bgr8")
    message.header.stamp = ns_to_stamp(3 * 10**9)
    message.data.frombytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())
    images.publish(message)
    probe.wait_until(lambda: probe.heard["features"], "features")
    settings = {name.split("__")[1]: value for name, value in network_parameters.items()}
    expected = Extractor(ExtractorConfig(**settings, device="cpu"))(image)
    received = features_from_message(probe.heard["features"][0])
    np.testing.assert_allclose(received.keypoints, expected.keypoints, atol=1e-3)


def set_parameter(probe, name, value):
    kind, field = {
        int: (ParameterType.PARAMETER_INTEGER, "integer_value"),
        float: (ParameterType.PARAMETER_DOUBLE, "double_value"),
        str: (ParameterType.PARAMETER_STRING, "string_value"),
    }[type(value)]
    parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
    request = SetParameters.Request(parameters=[parameter])
    return probe.call(SetParameters, "/aliked_extractor/set_parameters", request).results[0]


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
    assert [message.header.stamp.sec for message in probe.heard["features"]] == [1]


def count_of(probe, name):
    """Return a count of the newest diagnostics."""
    return int(diagnostics(probe)[1].get(name, 0))


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


def test_a_machine_that_reaches_nothing_runs_on_the_packaged_weights_and_says_so(
    processes, probe, tmp_path
):
    processes.environment |= {
        "ALIKED_WEIGHTS": "",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "https_proxy": "http://127.0.0.1:9",  # where nobody listens
    }
    processes.start("extractor_node")
    images = probe.publisher(Image, "image_raw")
    probe.listen(Features, "features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_until(lambda: hears(probe, "/image_raw"), "the extractor to hear the probe")
    images.publish(message_of(textured(), 1))
    probe.wait_until(lambda: probe.heard["features"], "features")
    assert probe.heard["features"][0].model == "aliked-t16"
    _, facts = diagnostics(probe)
    assert facts["network"] == "aliked-t16"
    assert facts["weights"].startswith("package-")
    said = processes.log("extractor_node")
    assert "the released weights of aliked-n16 are not on this machine" in said
    assert "set ALIKED_WEIGHTS to a folder that holds aliked-n16.pth" in said


LOST = """#!{python}
import sys
from aliked_ros.extractor import Extractor
from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST
from aliked_ros.inference.device_loss import DeviceLostError
from aliked_ros.nodes.extractor_node import ExtractorNode
from aliked_ros.nodes.base.run import run

class Lost(Extractor):
    def __call__(self, image):
        raise DeviceLostError("the GPU does not answer any more")

sys.exit(run(lambda: ExtractorNode(Lost)))
"""


def test_a_lost_gpu_ends_the_process_with_a_code_of_its_own(
    processes, probe, network_parameters, tmp_path
):
    executable = tmp_path / "lost_node.py"
    executable.write_text(LOST.format(python=sys.executable))
    executable.chmod(0o755)
    processes.start(str(executable), **network_parameters)
    images = probe.publisher(Image, "image_raw")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_until(lambda: hears(probe, "/image_raw"), "the extractor to hear the probe")
    images.publish(message_of(textured(), 1))
    assert processes.wait(str(executable)) == EXIT_DEVICE_LOST
    assert "does not answer any more" in processes.log(str(executable))


def test_several_cameras_share_one_network_and_each_has_its_own_topics(
    processes, probe, network_parameters
):
    processes.start("extractor_node", **network_parameters, cameras="[front,rear]")
    names = ("front", "rear")
    images = [probe.publisher(Image, f"{name}/image_raw") for name in names]
    for name in names:
        probe.listen(Features, f"{name}/features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_for_publishers()
    probe.wait_until(lambda: all(hears(probe, f"/{name}/image_raw") for name in names), "both")
    for round_number in range(1, 4):
        for index, publisher in enumerate(images):
            publisher.publish(message_of(textured(index), 10**9 * round_number + index))
        for name in names:
            heard = probe.heard[f"{name}/features"]
            probe.wait_until(lambda h=heard, n=round_number: len(h) == n, f"features of {name}")
    front, rear = (probe.heard[f"{name}/features"][-1] for name in names)
    assert (front.header.stamp.nanosec, rear.header.stamp.nanosec) == (0, 1)
    assert front.keypoints != rear.keypoints
    probe.wait_until(lambda: diagnostics(probe)[1]["processed"] == "6", "six counted images")


def test_keypoints_of_a_part_that_is_resized_are_those_of_the_whole_image(
    processes, probe, network_parameters
):
    options = {"crop": "'40 20 100 80'", "image_width": 80}
    processes.start("extractor_node", **network_parameters, **options)
    probe.listen(Features, "features")
    images = probe.publisher(Image, "image_raw")
    probe.wait_until(images.get_subscription_count, "the extractor")
    probe.wait_for_publishers()

    def has_answered():
        images.publish(message_of(textured(), 10**9))
        return bool(probe.heard["features"])

    probe.wait_until(has_answered, "features", poll_s=0.5)
    features = probe.heard["features"][0]
    assert (features.width, features.height) == (160, 120)
    x, y = np.reshape(features.keypoints, (-1, 2)).T
    assert len(x) > 10
    assert (x.min() > 39, x.max() < 140, y.min() > 19, y.max() < 100) == (True,) * 4
    assert x.max() > 100  # not the pixels of what the network saw


def test_masks_hold_for_their_camera_also_if_sent_once_and_what_is_none_is_counted(
    processes, probe, network_parameters
):
    mask = np.full((120, 160), 255, np.uint8)
    mask[:, 80:] = 0
    front_masks = probe.publisher(Image, "front/mask", LATCHED_QOS)
    front_masks.publish(message_of(mask, 1))
    rear_masks = probe.publisher(Image, "rear/mask")
    names = ("front", "rear")
    processes.start(
        "extractor_node", **network_parameters, cameras="[front,rear]", use_mask_topic=True
    )
    images = [probe.publisher(Image, f"{name}/image_raw") for name in names]
    for name in names:
        probe.listen(Features, f"{name}/features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_for_publishers()
    probe.wait_until(lambda: all(hears(probe, f"/{name}/image_raw") for name in names), "both")
    probe.wait_until(rear_masks.get_subscription_count, "the extractor to hear masks")

    def columns():
        """Return the columns of the keypoints of new images, by camera."""
        counts = [len(probe.heard[f"{name}/features"]) for name in names]
        for publisher in images:
            publisher.publish(message_of(textured(), 10**9))
        for name, count in zip(names, counts, strict=True):
            heard = probe.heard[f"{name}/features"]
            probe.wait_until(lambda h=heard, n=count: len(h) > n, f"features of {name}")
        newest = [probe.heard[f"{name}/features"][-1] for name in names]
        return [np.reshape(one.keypoints, (-1, 2))[:, 0] for one in newest]

    probe.wait_until(lambda: columns()[0].max() < 80, "the mask that was sent before", poll_s=0.2)
    front, rear = columns()
    assert len(front) > 10
    assert rear.max() > 80
    probe.wait_until(
        lambda: count_of(probe, "images without a mask of /rear/mask"), "images without a mask"
    )
    rear_masks.publish(message_of(textured(), 2))
    probe.wait_until(lambda: count_of(probe, "masks of /rear/mask refused") == 1, "a refusal")
    rear_masks.publish(message_of(np.zeros((2, 3), np.uint8), 3))
    columns()
    probe.wait_until(lambda: count_of(probe, "masks of /rear/mask refused") == 2, "a refusal")
    rear_masks.publish(message_of(mask, 4))
    probe.wait_until(lambda: columns()[1].max() < 80, "the mask to hold", poll_s=0.2)
    assert processes.interrupt("extractor_node") == 0
    assert "'rgb8': publish mono8" in processes.log("extractor_node")
