import numpy as np
import pytest

from aliked_ros.datasets import camera_files
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.structs import Camera


def _camera(focal_px: float) -> Camera:
    return Camera(32, 24, np.array([[focal_px, 0, 15.5], [0, focal_px, 11.5], [0, 0, 1.0]]))


def test_a_camera_info_file_is_read(tmp_path, save_camera_info):
    save_camera_info(tmp_path / "camera_info.yaml", 40.0)
    camera = camera_files.read(tmp_path / "camera_info.yaml")
    assert (camera.width, camera.height, camera.K[0, 0]) == (32, 24, 40.0)
    assert camera.distortion_model == "plumb_bob"
    np.testing.assert_array_equal(camera.D, [0.1, 0.01, 0, 0, 0])
    np.testing.assert_array_equal(camera.R, np.eye(3))
    assert camera.P is None


def test_what_was_written_is_read_back(tmp_path):
    right = camera_files.rectified_partner(_camera(40.0), 0.12)
    camera_files.write(tmp_path / "right.yaml", right, "right")
    again = camera_files.read(tmp_path / "right.yaml")
    np.testing.assert_array_equal(again.K, right.K)
    np.testing.assert_array_equal(again.P, right.P)
    assert again.P[0, 3] == pytest.approx(-40.0 * 0.12)
    assert not again.is_distorted


def test_distortion_of_zeros_counts_as_none():
    camera = camera_files.camera_from_fields((32, 24), np.diag([40, 40, 1.0]), "plumb_bob", [0] * 5)
    assert camera.distortion_model == "none"
    assert camera.D.size == 0


def test_other_names_of_a_model_are_understood():
    camera = camera_files.camera_from_fields(
        (32, 24), np.diag([40, 40, 1]), "fisheye", [0.1, 0, 0, 0]
    )
    assert camera.distortion_model == "equidistant"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("image_width: 32\nimage_height: 24\n", "field 'camera_matrix' is missing"),
        ("[1, 2", "is not YAML"),
        ("", "holds no fields"),
        ("image_width: 3\nimage_height: 2\ncamera_matrix: {data: [1, 2]}\n", "reshape"),
        (
            "image_width: 3\nimage_height: 2\ndistortion_model: odd\n"
            "camera_matrix: {data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n"
            "distortion_coefficients: {data: [1]}\n",
            "distortion_model is 'odd'",
        ),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, content, reason):
    file = tmp_path / "camera_info.yaml"
    file.write_text(content)
    with pytest.raises(DatasetError, match=r"camera_info\.yaml") as error:
        camera_files.read(file)
    assert reason in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.yaml"):
        camera_files.read(tmp_path / "none.yaml")


def test_the_folders_own_file_overrides_the_layout(tmp_path, save_camera_info):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    chosen = camera_files.override(Calibration(_camera(40.0)), tmp_path, None)
    assert chosen.camera.K[0, 0] == 50.0


def test_an_explicit_file_beats_the_folders_own(tmp_path, save_camera_info):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    save_camera_info(tmp_path / "other.yaml", 60.0)
    chosen = camera_files.override(Calibration(), tmp_path, tmp_path / "other.yaml")
    assert chosen.camera.K[0, 0] == 60.0


def test_a_rectified_partner_follows_the_left_camera_and_keeps_the_baseline(
    tmp_path, save_camera_info
):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    left = _camera(40.0)
    pair = Calibration(left, camera_files.rectified_partner(left, 0.5))
    chosen = camera_files.override(pair, tmp_path, None)
    assert chosen.right_camera.P[0, 0] == 50.0
    assert chosen.right_camera.P[0, 3] == pytest.approx(-25.0)


def test_a_raw_partner_keeps_its_own_calibration(tmp_path, save_camera_info):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    pair = Calibration(_camera(40.0), _camera(41.0), np.eye(4))
    chosen = camera_files.override(pair, tmp_path, None)
    assert (chosen.camera.K[0, 0], chosen.right_camera.K[0, 0]) == (50.0, 41.0)
    assert chosen.T_left_right is not None


def test_a_right_file_overrides_the_right_camera(tmp_path):
    left = _camera(40.0)
    partner = camera_files.rectified_partner(left, 0.25)
    camera_files.write(tmp_path / "camera_info_right.yaml", partner, "right")
    pair = Calibration(left, _camera(41.0), np.eye(4))
    chosen = camera_files.override(pair, tmp_path, None)
    assert chosen.right_camera.P[0, 3] == pytest.approx(-10.0)
    assert chosen.T_left_right is None
