import sys

import cv2
import numpy as np
from aliked_ros.msg import Features
from diagnostic_msgs.msg import DiagnosticArray
from extractor_probe import diagnostics, message_of, textured
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.config import ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST
from aliked_ros.nodes.base.conversions.features import features_from_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp


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
    probe.wait_for_subscribers(images)
    probe.wait_for_publishers()
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
    probe.wait_for_subscribers(images)
    probe.wait_for_publishers()
    images.publish(message_of(textured(), 1))
    probe.wait_until(lambda: probe.heard["features"], "features")
    assert probe.heard["features"][0].model == "aliked-t16"
    probe.wait_until(lambda: probe.heard["/diagnostics"], "diagnostics")
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
    probe.wait_for_subscribers(images)
    images.publish(message_of(textured(), 1))
    assert processes.wait(str(executable)) == EXIT_DEVICE_LOST
    assert "does not answer any more" in processes.log(str(executable))
