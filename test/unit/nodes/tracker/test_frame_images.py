import numpy as np
import pytest

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from point_world import HEIGHT, WIDTH, room
from std_msgs.msg import Header

from aliked_ros.config.nodes import ImageConfig, InputsConfig
from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.tracker.frame_images import FrameImageReader, FrameImages
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs

DEPTH_M = np.full((HEIGHT, WIDTH), 1.5, np.float32)
LEFT, RIGHT = np.zeros((HEIGHT, WIDTH), np.uint8), np.ones((HEIGHT, WIDTH), np.uint8)
HANDOVER = Handover(Header(), 0, lambda: None)


@pytest.fixture
def read(diagnostics, make_extraction):
    """Decode what came beside the features of a left image."""

    def read(depth_scale=0.0, **messages):
        reader = FrameImageReader(ImageConfig(), InputsConfig(depth_scale=depth_scale), diagnostics)
        extraction = make_extraction(room().see(np.eye(4))[0], image=LEFT)
        return reader.read(FrameInputs(HANDOVER, **messages), extraction)

    return read


def message(pixels, **changes):
    made = image_to_message(pixels, Header())
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_images_are_decoded_as_the_sensor_needs_them(read):
    assert read() == FrameImages()
    np.testing.assert_array_equal(read(depth=message(DEPTH_M)).depth_m, DEPTH_M)
    handed_over = read(right=message(RIGHT))
    assert handed_over.image is LEFT
    np.testing.assert_array_equal(handed_over.right_image, RIGHT)
    received = read(left=message(LEFT), right=message(RIGHT))
    np.testing.assert_array_equal(received.image, LEFT)


def test_how_late_the_depth_is_is_handed_on(read):
    depth = message(DEPTH_M)
    depth.header.stamp.sec = 1  # as the features
    assert read(depth=depth).depth_offset_s == 0
    depth.header.stamp.nanosec = 7_000_000
    assert read(depth=depth).depth_offset_s == pytest.approx(0.007)


def test_what_did_not_come_is_handed_on_as_it_was_said(read):
    assert read(missing="nearest depth is 16 ms off").missing == "nearest depth is 16 ms off"


@pytest.mark.parametrize(
    ("depth", "words"),
    [
        (message(DEPTH_M, encoding="hsv8"), ["depth image: depth encoding is 'hsv8'"]),
        (message(DEPTH_M[::2, ::2]), ["it is 320x240, the image is 640x480", "register"]),
        (message(DEPTH_M * 1000), ["median depth is 1500 m", "32FC1 is in metres", "depth_scale"]),
        (message(DEPTH_M * np.nan), ["none of its pixels"]),
    ],
)
def test_depth_that_cannot_be_used_is_left_out_and_says_so(read, depth, words):
    images = read(depth=depth)
    assert images.depth_m is None
    assert all(word in images.missing for word in words), images.missing


def test_a_unit_that_is_given_is_believed(read):
    images = read(depth_scale=0.001, depth=message(DEPTH_M * 1000))
    np.testing.assert_allclose(images.depth_m, DEPTH_M, rtol=1e-6)


@pytest.mark.parametrize(
    ("right", "words"),
    [
        (message(RIGHT, encoding="hsv8"), ["stereo pair", "encoding is 'hsv8'"]),
        (message(RIGHT[::2, ::2]), ["the right image is 320x240, the left one is 640x480"]),
    ],
)
def test_a_right_image_that_cannot_be_used_is_left_out_and_says_so(read, right, words):
    images = read(right=right)
    assert images.right_image is None
    assert all(word in images.missing for word in words), images.missing


def test_both_images_of_a_pair_have_the_same_grey_range(read):
    ramp = np.linspace(0, 1000, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)

    def sixteen_bits(values):
        made = message(np.zeros((HEIGHT, WIDTH), np.uint8), encoding="mono16", step=2 * WIDTH)
        made.data = bytearray(np.ascontiguousarray(values).tobytes())
        return made

    images = read(left=sixteen_bits(ramp), right=sixteen_bits(ramp // 2))
    assert images.image.max() >= 254
    assert abs(int(images.right_image.max()) - 127) < 3
