import cv2
import numpy as np
import pytest

from aliked_ros.datasets import FrameError, Options
from aliked_ros.datasets.readers.file_sequence import Files, FileSequence
from aliked_ros.datasets.sequence import Calibration
from aliked_ros.structs import Camera

CAMERA = Camera(32, 24, np.diag([30.0, 30.0, 1.0]))
PAIR = Calibration(CAMERA, CAMERA)


class Sequence(FileSequence):
    layout = "images"


@pytest.fixture
def files(tmp_path, save_image):
    """Two images, of which the first has a partner; its depth has none."""
    paths = [tmp_path / name for name in ("a.png", "b.png", "right.png")]
    for path in paths:
        save_image(path)
    return Files(paths[:2], [paths[2], None], [None, None])


def _sequence(files, calibration=PAIR):
    return Sequence("walk", np.array([1, 2], np.int64), files, calibration, Options())


def test_sensors_are_those_that_have_a_file_and_a_camera(files):
    assert _sequence(files).sensors == ("mono", "stereo")
    assert _sequence(files, Calibration(CAMERA)).sensors == ("mono",)
    assert _sequence(Files(files.images, (), files.images)).sensors == ("mono", "rgbd")


def test_a_frame_comes_without_a_partner_that_is_missing_at_its_instant(files):
    sequence = _sequence(files)
    assert sequence.read(0, "stereo").right_image.shape == (24, 32)
    assert sequence.read(1, "stereo").right_image is None
    assert sequence.read(0, "mono").right_image is None
    assert not sequence.left_out


def test_a_broken_partner_costs_the_partner_alone_and_is_counted(files):
    files.right_images[0].write_bytes(b"nothing")
    sequence = _sequence(files)
    assert sequence.read(0, "stereo").right_image is None
    ((reason, count),) = sequence.left_out.items()
    assert "right.png" in reason
    assert count == 1


def test_right_images_that_nothing_calibrates_are_named(files):
    (remark,) = _sequence(files, Calibration(CAMERA)).remarks
    assert "the 1 right images are not used: nothing calibrates the right camera" in remark


def test_images_of_16_bits_keep_the_range_of_the_first_ones(files):
    values = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32)
    for path in files.images:
        cv2.imwrite(str(path), values)
    sequence = _sequence(files)
    image = sequence.read(0, "mono").image
    assert (image.min(), image.max()) == (0, 255)
    assert sequence.grey_range.brightest == 767


def test_a_broken_file_is_an_error_of_its_frame(files):
    files.images[1].write_bytes(b"nothing")
    with pytest.raises(FrameError, match=r"frame 1: .*b\.png"):
        _sequence(files).read(1)
