from dataclasses import replace

import numpy as np
import pytest

from aliked_ros.datasets import camera_files
from aliked_ros.datasets.options import Options
from aliked_ros.datasets.sequence import Calibration, DatasetError
from aliked_ros.geometry.camera import baseline_m
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


def _write(path, model="plumb_bob", D=(), size=(32, 24)):
    path.write_text(
        f"image_width: {size[0]}\nimage_height: {size[1]}\n"
        "camera_matrix: {data: [40, 0, 15.5, 0, 40, 11.5, 0, 0, 1]}\n"
        f"distortion_model: {model}\ndistortion_coefficients: {{data: {list(D)}}}\n"
    )
    return path


def test_distortion_of_zeros_counts_as_none(tmp_path):
    camera = camera_files.read(_write(tmp_path / "a.yaml", "plumb_bob", [0] * 5))
    assert camera.distortion_model == "none"
    assert camera.D.size == 0


@pytest.mark.parametrize(
    ("model", "D", "known"),
    [
        ("fisheye", [0.1, 0, 0, 0], "equidistant"),
        ("Kannala-Brandt", [0.1, 0, 0, 0, 0, 0, 0, 0], "equidistant"),
        ("KannalaBrandt8", [0.1, 0, 0, 0], "equidistant"),
        ("radial-tangential", [0.1, 0, 0, 0], "plumb_bob"),
        ("rational", [0.1, 0, 0, 0, 0.1, 0, 0, 0.1], "rational_polynomial"),
    ],
)
def test_other_names_of_a_model_are_understood(tmp_path, model, D, known):
    camera = camera_files.read(_write(tmp_path / "a.yaml", model, D))
    assert camera.distortion_model == known
    assert camera.D[0] == 0.1


@pytest.mark.parametrize(
    ("model", "D", "reason"),
    [
        ("equidistant", [0.1, 0, 0, 0, 0.2], "equidistant needs 4 values, D has 5"),
        ("plumb_bob", [0.1, 0, 0, 0, 0, 0.1], "plumb_bob needs 5 values, D has 6"),
        ("plumb_bob", [0.1, 0, 0, 0, 0, 0, 0, 1], "D has 8 (as rational_polynomial has)"),
    ],
)
def test_another_number_of_values_than_the_model_has_is_refused(tmp_path, model, D, reason):
    with pytest.raises(DatasetError, match=r"a\.yaml") as error:
        camera_files.read(_write(tmp_path / "a.yaml", model, D))
    assert reason in str(error.value)


def test_a_printed_message_is_read_with_its_binning(tmp_path):
    (tmp_path / "info.yaml").write_text(
        "header:\n  frame_id: cam\nheight: 480\nwidth: 640\ndistortion_model: plumb_bob\n"
        "d:\n- 0.1\n- 0.0\n- 0.0\n- 0.0\n- 0.0\nk: [400, 0, 319.5, 0, 400, 239.5, 0, 0, 1]\n"
        "r: [1, 0, 0, 0, 1, 0, 0, 0, 1]\np: [400, 0, 319.5, 0, 0, 400, 239.5, 0, 0, 0, 1, 0]\n"
        "binning_x: 2\nbinning_y: 2\n"
        "roi: {x_offset: 0, y_offset: 0, height: 0, width: 0, do_rectify: false}\n---\n"
    )
    camera = camera_files.read(tmp_path / "info.yaml")
    assert (camera.width, camera.height, camera.K[0, 0]) == (320, 240, 200.0)
    assert camera.K[0, 2] == pytest.approx(159.5)


def test_of_rectified_images_the_projection_alone_counts(tmp_path):
    path = _write(tmp_path / "a.yaml", "plumb_bob", [-0.3, 0.1, 0, 0, 0])
    with path.open("a") as file:
        file.write("projection_matrix: {data: [30, 0, 16, 0, 0, 30, 12, 0, 0, 0, 1, 0]}\n")
    camera = camera_files.read(path, is_rectified=True)
    assert (camera.K[0, 0], camera.is_distorted) == (30.0, False)


def test_the_first_camera_of_a_camchain_is_read(tmp_path):
    (tmp_path / "chain.yaml").write_text(
        "cam0:\n  camera_model: pinhole\n  distortion_model: equidistant\n"
        "  distortion_coeffs: [0.1, 0.0, 0.0, 0.0]\n  intrinsics: [40, 41, 15, 11]\n"
        "  resolution: [32, 24]\n"
    )
    camera = camera_files.read(tmp_path / "chain.yaml")
    assert (camera.distortion_model, camera.K[1, 1], camera.K[0, 2]) == ("equidistant", 41, 15)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("radtan", "fov", "cam0: distortion_model is 'fov'"),
        ("pinhole", "omni", "cam0: camera_model is 'omni'"),
        ("[0.1, 0, 0, 0]", "[0.1, 0, 0, 0, 0, 0.3]", "needs 5 values, D has 6"),
        ("  resolution: [32, 24]\n", "", "field 'resolution' is missing"),
    ],
)
def test_a_camchain_that_cannot_be_used_is_named(tmp_path, old, new, reason):
    content = (
        "cam0:\n  camera_model: pinhole\n  distortion_model: radtan\n"
        "  distortion_coeffs: [0.1, 0, 0, 0]\n  intrinsics: [40, 41, 15, 11]\n"
        "  resolution: [32, 24]\n"
    )
    assert old in content
    (tmp_path / "chain.yaml").write_text(content.replace(old, new))
    with pytest.raises(DatasetError, match=r"chain\.yaml") as error:
        camera_files.read(tmp_path / "chain.yaml")
    assert reason in str(error.value)


def test_a_partner_of_a_camera_with_a_shift_keeps_the_baseline():
    left = replace(_camera(40.0), P=np.array([[40.0, 0, 15.5, 3], [0, 40, 11.5, 0], [0, 0, 1, 0]]))
    right = camera_files.rectified_partner(left, 0.25)
    assert baseline_m(right, left) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("image_width: 32\nimage_height: 24\n", "field 'camera_matrix' is missing"),
        ("[1, 2", "is not YAML"),
        ("", "holds no fields"),
        (
            "image_width: 3\nimage_height: 2\ncamera_matrix: {data: [1, 2]}\n",
            "K has 2 values: give 9",
        ),
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
    chosen = camera_files.override(Calibration(_camera(40.0)), tmp_path, Options())
    assert chosen.camera.K[0, 0] == 50.0


def test_an_explicit_file_beats_the_folders_own(tmp_path, save_camera_info):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    save_camera_info(tmp_path / "other.yaml", 60.0)
    chosen = camera_files.override(Calibration(), tmp_path, Options(tmp_path / "other.yaml"))
    assert chosen.camera.K[0, 0] == 60.0


def test_a_rectified_partner_follows_the_left_camera_and_keeps_the_baseline(
    tmp_path, save_camera_info
):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    left = _camera(40.0)
    pair = Calibration(left, camera_files.rectified_partner(left, 0.5))
    chosen = camera_files.override(pair, tmp_path, Options())
    assert chosen.right_camera.P[0, 0] == 50.0
    assert chosen.right_camera.P[0, 3] == pytest.approx(-25.0)


def test_a_raw_partner_keeps_its_own_calibration(tmp_path, save_camera_info):
    save_camera_info(tmp_path / "camera_info.yaml", 50.0)
    pair = Calibration(_camera(40.0), _camera(41.0), np.eye(4))
    chosen = camera_files.override(pair, tmp_path, Options())
    assert (chosen.camera.K[0, 0], chosen.right_camera.K[0, 0]) == (50.0, 41.0)
    assert chosen.T_left_right is not None


def test_a_right_file_overrides_the_right_camera(tmp_path):
    left = _camera(40.0)
    partner = camera_files.rectified_partner(left, 0.25)
    camera_files.write(tmp_path / "camera_info_right.yaml", partner, "right")
    pair = Calibration(left, _camera(41.0), np.eye(4))
    chosen = camera_files.override(pair, tmp_path, Options())
    assert chosen.right_camera.P[0, 3] == pytest.approx(-10.0)
    assert chosen.T_left_right is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("image_width: 32", "image_width: wide", "image_width is 'wide': give a whole number"),
        ("image_width: 32", "image_width:", "image_width is None"),
        ("image_width: 32", "image_width: 32.5", "image_width is 32.5"),
        ("[40, 0", "['40,0', 0", "camera_matrix is ['40,0', 0"),
        ("{data: [40", "{rows: 2, cols: 3, data: [40", "camera_matrix has 9 values, its rows and"),
        ("{data: []", "{rows: 1, cols: 8, data: [0, 0, 0, 0, 0]", "coefficients has 5 values"),
        ("camera_matrix", "intrinsics", "field 'camera_matrix' is missing"),
    ],
)
def test_a_field_that_cannot_be_is_named(tmp_path, old, new, reason):
    path = _write(tmp_path / "a.yaml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=r"a\.yaml") as error:
        camera_files.read(path)
    assert reason in str(error.value)


def test_plain_and_nested_lists_are_matrices_too(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "image_width: 32\nimage_height: 24\ncamera_matrix: [[40, 0, 15.5], [0, 41, 11.5], "
        "[0, 0, 1]]\ndistortion_model: plumb_bob\ndistortion_coefficients: [0.1, 0, 0, 0, 0]\n"
    )
    camera = camera_files.read(tmp_path / "a.yaml")
    assert (camera.K[1, 1], camera.D[0]) == (41.0, 0.1)


CAM1 = """cam1:
  camera_model: pinhole
  distortion_model: none
  distortion_coeffs: []
  intrinsics: [40, 41, 15, 11]
  resolution: [32, 24]
  T_cn_cnm1: [[1, 0, 0, -0.1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[0, 1, 0, 0]", "[0, 3, 0, 0]", "cam1: T_cn_cnm1 is"),
        ("[0, 1, 0, 0]", "[0, -1, 0, 0]", "no rigid motion"),
        ("-0.1", ".nan", "cam1: T_cn_cnm1 is"),
        (", [0, 0, 0, 1]", "", "cam1: T_cn_cnm1 has 12 values"),
        ("[32, 24]", "32x24", "cam1: resolution is '32x24'"),
        ("T_cn_cnm1", "T_cam_imu", "field 'T_cn_cnm1' is missing"),
    ],
)
def test_a_second_camera_that_cannot_be_used_is_named(tmp_path, old, new, reason):
    assert old in CAM1
    cam0 = "\n".join(line for line in CAM1.splitlines() if "T_cn" not in line)
    path = tmp_path / "chain.yaml"
    path.write_text(cam0.replace("cam1", "cam0") + "\n" + CAM1.replace(old, new))
    with pytest.raises(DatasetError, match=r"chain\.yaml") as error:
        camera_files.read_all(path)
    assert reason in str(error.value)
