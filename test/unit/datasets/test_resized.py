import cv2
import numpy as np
import pytest

from aliked_ros.datasets import DatasetError, Options, open_sequence
from aliked_ros.datasets.resized import ResizedSequence
from aliked_ros.geometry.camera import baseline_m, project
from aliked_ros.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def room():
    return SyntheticRoom(0, 160, 120, num_frames=2, texels_per_m=20.0)


def test_calibration_and_pictures_shrink_together(room):
    small = ResizedSequence(room, 80)
    frame = small.read(0)
    assert frame.image.shape[:2] == frame.right_image.shape[:2] == frame.depth_m.shape == (60, 80)
    assert (small.camera.width, small.camera.height) == (80, 60)
    points = np.array([[0.3, -0.2, 2.0], [-0.5, 0.4, 3.0]])
    np.testing.assert_allclose(
        project(points, small.camera.K), (project(points, room.camera.K) + 0.5) / 2 - 0.5
    )
    assert baseline_m(small.right_camera, small.camera) == pytest.approx(
        baseline_m(room.right_camera, room.camera)
    )


def test_depth_is_that_of_the_same_places(room):
    ratio = ResizedSequence(room, 80).read(0).depth_m / room.read(0).depth_m[::2, ::2]
    assert np.nanmedian(ratio) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("width", [16, 161])
def test_a_width_that_makes_no_sense_is_named(room, width):
    with pytest.raises(DatasetError, match=f"image_width is {width}: .* 160 px wide"):
        ResizedSequence(room, width)


def test_a_folder_is_opened_at_the_width_that_is_asked_for(tmp_path, textured_image):
    cv2.imwrite(str(tmp_path / "a.png"), textured_image)
    sequence = open_sequence(tmp_path, options=Options(image_width=64))
    assert sequence.read(0).image.shape[1] == 64
    assert sequence.camera is None
