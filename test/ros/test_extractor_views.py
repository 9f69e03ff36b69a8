"""Several cameras, parts of an image, and masks."""

import numpy as np
from aliked_ros.msg import Features
from diagnostic_msgs.msg import DiagnosticArray
from extractor_probe import count_of, message_of, textured
from sensor_msgs.msg import Image

from aliked_ros.nodes.base.qos import LATCHED_QOS

NAMES = ("front", "rear")


def publish_as(probe, names):
    """Return a publisher of images for each camera, once an extractor hears all of them."""
    images = [probe.publisher(Image, f"{name}/image_raw") for name in names]
    for name in names:
        probe.listen(Features, f"{name}/features")
    probe.listen(DiagnosticArray, "/diagnostics")
    probe.wait_for_subscribers(*images)
    probe.wait_for_publishers()
    probe.wait_until(lambda: probe.heard["/diagnostics"], "diagnostics")
    return images


def test_several_cameras_share_one_network_and_each_has_its_own_topics(
    processes, probe, network_parameters
):
    processes.start("extractor_node", **network_parameters, cameras="[front,rear]")
    images = publish_as(probe, NAMES)
    for round_number in range(1, 4):
        for index, publisher in enumerate(images):
            publisher.publish(message_of(textured(index), 10**9 * round_number + index))
        for name in NAMES:
            heard = probe.heard[f"{name}/features"]
            probe.wait_until(lambda h=heard, n=round_number: len(h) == n, f"features of {name}")
    front, rear = (probe.heard[f"{name}/features"][-1] for name in NAMES)
    assert (front.header.stamp.nanosec, rear.header.stamp.nanosec) == (0, 1)
    assert front.keypoints != rear.keypoints
    probe.wait_until(lambda: count_of(probe, "processed") == 6, "six counted images")


def test_keypoints_of_a_part_that_is_resized_are_those_of_the_whole_image(
    processes, probe, network_parameters
):
    options = {"crop": "'40 20 100 80'", "image_width": 80}
    processes.start("extractor_node", **network_parameters, **options)
    probe.listen(Features, "features")
    images = probe.publisher(Image, "image_raw")
    probe.wait_for_subscribers(images)
    probe.wait_for_publishers()
    images.publish(message_of(textured(), 10**9))
    probe.wait_until(lambda: probe.heard["features"], "features")
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
    processes.start(
        "extractor_node", **network_parameters, cameras="[front,rear]", use_mask_topic=True
    )
    images = publish_as(probe, NAMES)
    probe.wait_for_subscribers(rear_masks)

    def columns():
        """Return the columns of the keypoints of new images, by camera."""
        counts = [len(probe.heard[f"{name}/features"]) for name in NAMES]
        for publisher in images:
            publisher.publish(message_of(textured(), 10**9))
        for name, count in zip(NAMES, counts, strict=True):
            heard = probe.heard[f"{name}/features"]
            probe.wait_until(lambda h=heard, n=count: len(h) > n, f"features of {name}")
        newest = [probe.heard[f"{name}/features"][-1] for name in NAMES]
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
