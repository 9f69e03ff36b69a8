import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from aliked_ros.config import ExtractorConfig
from aliked_ros.config.nodes import ImageConfig, ViewConfig
from aliked_ros.images import ImageError
from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.timed_extractor import TimedExtractor
from aliked_ros.nodes.extractor.view import ImageView


class StandIn:
    """An extractor that keeps what it is asked for."""

    model, device, backend, weights_id = "aliked-t16", "cpu", "a stand-in", "package-12345678"

    def __init__(self, config):
        self.config = config

    def __call__(self, image):
        return image

    def reconfigure(self, config):
        self.config = config


def arrival(message, received_s):
    return Arrival(message, transport_ms=1.0, received_s=received_s)


def test_an_image_is_extracted_with_the_configuration_of_the_moment(node, diagnostics):
    config = ExtractorConfig()
    extractor = StandIn(config)
    timed = TimedExtractor(node, diagnostics, extractor, ImageConfig(), ImageView(ViewConfig()))
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    message = image_to_message(pixels, Header(frame_id="camera"))
    start_s = time.perf_counter()
    config = replace(config, max_keypoints=7)
    extraction = timed.extract(arrival(message, start_s - 0.25), start_s, config, num_skipped=2)
    assert extractor.config == config
    assert extraction.header == message.header
    np.testing.assert_array_equal(extraction.image, pixels)
    assert extraction.features is extraction.image
    assert (extraction.max_keypoints, extraction.num_skipped) == (7, 2)
    assert (extraction.transport_ms, extraction.wait_ms) == (1.0, pytest.approx(250))
    assert min(extraction.decode_ms, extraction.extract_ms) >= 0


def test_an_image_that_cannot_be_decoded_is_named(node, diagnostics):
    timed = TimedExtractor(
        node, diagnostics, StandIn(ExtractorConfig()), ImageConfig(), ImageView(ViewConfig())
    )
    with pytest.raises(ImageError, match="'hsv8'"):
        timed.extract(arrival(Image(encoding="hsv8"), 0.0), 0.0, ExtractorConfig(), 0)


def test_the_network_that_runs_is_named_and_that_it_is_another_one(node, diagnostics):
    extractor = StandIn(ExtractorConfig(model="aliked-n16"))
    TimedExtractor(node, diagnostics, extractor, ImageConfig(), ImageView(ViewConfig()))
    said = "aliked-t16 on cpu by a stand-in, weights package-12345678"
    assert node.said["info"] == [said]
    assert "released weights of aliked-n16 are not on this machine" in node.said["warning"][0]
    values = diagnostics.read()[1]
    assert (values["network"], values["weights"]) == ("aliked-t16", "package-12345678")


def test_weights_that_were_asked_for_are_nothing_to_warn_of(node, diagnostics):
    extractor = StandIn(ExtractorConfig(weights="package"))
    TimedExtractor(node, diagnostics, extractor, ImageConfig(), ImageView(ViewConfig()))
    assert node.said["warning"] == []
