import time
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from aliked_ros.config import ExtractorConfig
from aliked_ros.config.nodes import ImageConfig, ViewConfig
from aliked_ros.images import ImageError
from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.extractor.arrival import Arrival
from aliked_ros.nodes.extractor.timed_extractor import TimedExtractor
from aliked_ros.nodes.extractor.view import ImageView
from aliked_ros.structs import Features


class StandIn:
    """An extractor that keeps what it is asked for, and returns the image if not told what."""

    model, device, backend, weights_id = "aliked-t16", "cpu", "a stand-in", "package-12345678"

    def __init__(self, config, found=None):
        self.config = config
        self.num_calls = 0
        self._found = found

    def __call__(self, image):
        self.num_calls += 1
        return image if self._found is None else self._found

    def extract_all(self, images):
        return self(images)

    def reconfigure(self, config):
        self.config = config


@pytest.fixture
def decode(diagnostics):
    return ImageDecoder(ImageConfig(), diagnostics, "/image_raw")


@pytest.fixture
def make(node, diagnostics):
    def make(extractor):
        return TimedExtractor(node, diagnostics, extractor, ImageView(ViewConfig()))

    return make


def arrival(value, received_s):
    pixels = np.full((3, 4), value, np.uint8)
    message = image_to_message(pixels, Header(frame_id=f"camera{value}"))
    return Arrival(message, transport_ms=1.0, received_s=received_s)


def test_an_image_is_extracted_with_the_configuration_of_the_moment(make, decode):
    extractor = StandIn(ExtractorConfig())
    timed = make(extractor)
    config = replace(ExtractorConfig(), max_keypoints=7)
    opened = timed.open(decode, arrival(5, time.perf_counter() - 0.25))
    (extraction,) = timed.extract([opened], config, num_skipped=2)
    assert extractor.config == config
    assert extraction.header == opened.arrival.message.header
    np.testing.assert_array_equal(extraction.image, np.full((3, 4), 5))
    assert extraction.features is extraction.image
    assert (extraction.max_keypoints, extraction.num_skipped) == (7, 2)
    assert (extraction.transport_ms, extraction.wait_ms) == (1.0, pytest.approx(250, abs=200))
    assert min(extraction.decode_ms, extraction.extract_ms) >= 0


def test_as_many_are_found_as_are_spread_and_they_are_spread_behind_the_masks(make, decode):
    found = Features(
        torch.tensor([[0.0, 0], [0.1, 0], [3, 2]]),
        torch.ones(3),
        torch.ones(3),
        torch.eye(3),
        (3, 4),
    )
    extractor = StandIn(ExtractorConfig(), found)
    timed = make(extractor)
    config = replace(ExtractorConfig(), max_keypoints=2, spread_from=9)
    (extraction,) = timed.extract([timed.open(decode, arrival(5, 0.0))], config, 0)
    assert (extractor.config.max_keypoints, extractor.config.spread_from) == (9, 0)
    np.testing.assert_allclose(extraction.features.keypoints.numpy(), [[0, 0], [3, 2]])
    assert extraction.max_keypoints == 2


def test_images_of_several_cameras_are_extracted_together_and_each_keeps_its_own(make, decode):
    extractor = StandIn(ExtractorConfig())
    timed = make(extractor)
    opened = [timed.open(decode, arrival(value, 0.0)) for value in (1, 2, 3)]
    extractions = timed.extract(opened, ExtractorConfig(), 0)
    assert extractor.num_calls == 1
    assert [one.header.frame_id for one in extractions] == ["camera1", "camera2", "camera3"]
    assert [one.features[0, 0] for one in extractions] == [1, 2, 3]


def test_an_image_that_cannot_be_decoded_is_named(make, decode):
    timed = make(StandIn(ExtractorConfig()))
    with pytest.raises(ImageError, match="'hsv8'"):
        timed.open(decode, Arrival(Image(encoding="hsv8"), 0.0, 0.0))


def test_the_network_that_runs_is_named_and_that_it_is_another_one(node, diagnostics, make):
    make(StandIn(ExtractorConfig(model="aliked-n16")))
    said = "aliked-t16 on cpu by a stand-in, weights package-12345678"
    assert node.said["info"] == [said]
    assert "released weights of aliked-n16 are not on this machine" in node.said["warning"][0]
    values = diagnostics.read()[1]
    assert (values["network"], values["weights"]) == ("aliked-t16", "package-12345678")


def test_weights_that_were_asked_for_are_nothing_to_warn_of(node, make):
    extractor = StandIn(ExtractorConfig(weights="package"))
    make(extractor)
    assert node.said["warning"] == []
