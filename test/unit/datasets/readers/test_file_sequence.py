import numpy as np
import pytest

from aliked_ros.datasets import FrameError
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
    return Sequence("walk", np.array([1, 2], np.int64), files, calibration)


def test_sensors_are_those_that_have_a_file_and_a_camera(files):
    assert _sequence(files).sensors == ("mono", "stereo")
    assert _sequence(files, Calibration(CAMERA)).sensors == ("mono",)
    assert _sequence(Files(files.images, (), files.images)).sensors == ("mono", "rgbd")


def test_a_partner_that_is_missing_at_one_instant_is_an_error_of_that_frame(files):
    sequence = _sequence(files)
    assert sequence.read(0, "stereo").right_image.shape == (24, 32)
    with pytest.raises(FrameError, match="no right image of the same instant"):
        sequence.read(1, "stereo")
    assert sequence.read(1, "mono").right_image is None


def test_a_broken_file_is_an_error_of_its_frame(files):
    files.images[1].write_bytes(b"nothing")
    with pytest.raises(FrameError, match=r"frame 1: .*b\.png"):
        _sequence(files).read(1)
