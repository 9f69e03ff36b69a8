import numpy as np
import pytest

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.sequence import DatasetError

SENSOR = """#Default comment
sensor_type: camera
T_BS:
  cols: 4
  rows: 4
  data: [0.0, -1.0, 0.0, {x},
         1.0, 0.0, 0.0, 0.0,
         0.0, 0.0, 1.0, 0.0,
         0.0, 0.0, 0.0, 1.0]
rate_hz: 20
resolution: [32, 24]
camera_model: {camera_model}
intrinsics: [40.0, 41.0, 15.0, 11.0] #fu, fv, cu, cv
distortion_model: {model}
distortion_coefficients: [-0.28, 0.07, 0.0002, 1.7e-05]
"""


def _sensor(x: float, model: str = "radial-tangential", camera_model: str = "pinhole") -> str:
    return SENSOR.format(x=x, model=model, camera_model=camera_model)


@pytest.fixture
def folder(tmp_path, save_image):
    root = tmp_path / "V9_99_fake"
    for camera, offset_ns in (("cam0", 0), ("cam1", 3)):
        rows = ["#timestamp [ns],filename"]
        for index in range(3):
            stamp_ns = 1403715276212143104 + index * 50_000_000 + offset_ns
            save_image(root / "mav0" / camera / "data" / f"{stamp_ns}.png", 90 + index)
            rows.append(f"{stamp_ns},{stamp_ns}.png")
        (root / "mav0" / camera / "data.csv").write_text("\r\n".join(rows) + "\r\n")
    (root / "mav0" / "cam0" / "sensor.yaml").write_text(_sensor(0.5))
    (root / "mav0" / "cam1" / "sensor.yaml").write_text("%YAML:1.0\n" + _sensor(0.6))
    (root / "groundtruth.txt").write_text(
        "1403715276.212143104 1 2 3 0 0 0 1\n1403715276.262143104 2 2 3 0 0 0 1\n"
    )
    return root


def test_a_pair_with_its_calibration_is_read(folder):
    sequence = open_sequence(folder)
    assert (sequence.layout, sequence.name) == ("euroc", "V9_99_fake")
    assert sequence.sensors == ("mono", "stereo")
    assert sequence.stamps_ns[0] == 1403715276212143104
    assert (sequence.camera.K[0, 0], sequence.camera.K[1, 2]) == (40.0, 11.0)
    np.testing.assert_array_equal(sequence.camera.D, [-0.28, 0.07, 0.0002, 1.7e-05])
    assert sequence.camera.distortion_model == "plumb_bob"
    frame = sequence.read(1)
    assert frame.image[0, 0] == 91
    assert frame.right_image[0, 0] == 91


def test_the_right_camera_is_placed_in_the_left_ones_frame(folder):
    # Both cameras are turned by a quarter about z: 0.1 m along body x is -0.1 m along camera y.
    T_left_right = open_sequence(folder).T_left_right
    np.testing.assert_allclose(T_left_right[:3, 3], [0, -0.1, 0], atol=1e-12)


def test_ground_truth_of_the_body_becomes_the_cameras(folder):
    T_world_camera = open_sequence(folder).read(0).T_world_camera
    np.testing.assert_allclose(T_world_camera[:3, 3], [1.5, 2, 3])
    np.testing.assert_allclose(T_world_camera[:3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("table", ["state_groundtruth_estimate0", "mocap0"])
def test_the_original_tables_have_the_scalar_of_the_quaternion_first(folder, table):
    (folder / "groundtruth.txt").unlink()
    (folder / "mav0" / table).mkdir()
    (folder / "mav0" / table / "data.csv").write_text(
        "#timestamp, p_RS_R_x [m], p_y, p_z, q_w, q_x, q_y, q_z, v_x\n"
        "1403715276212143104, 4, 5, 6, 1, 0, 0, 0, 0.1\n"
    )
    T_world_camera = open_sequence(folder).read(0).T_world_camera
    np.testing.assert_allclose(T_world_camera[:3, 3], [4.5, 5, 6])


def test_mav0_itself_may_be_given(folder):
    sequence = open_sequence(folder / "mav0")
    assert (sequence.layout, sequence.name) == ("euroc", "V9_99_fake")
    assert sequence.ground_truth is not None


def test_images_without_a_partner_in_time_come_without_and_are_counted(folder):
    rows = (folder / "mav0" / "cam1" / "data.csv").read_text().splitlines()
    (folder / "mav0" / "cam1" / "data.csv").write_text("\n".join([rows[0], *rows[2:]]) + "\n")
    sequence = open_sequence(folder)
    assert sequence.read(0).right_image is None
    assert sequence.read(1).right_image[0, 0] == 91
    assert len(list(sequence.frames("stereo"))) == 3
    assert "1 of 3 images have no right image within 5 ms" in sequence.remarks[0]


def test_one_camera_serves_mono(folder):
    (folder / "mav0" / "cam1" / "data.csv").unlink()
    assert open_sequence(folder).sensors == ("mono",)


def test_equidistant_distortion_keeps_four_coefficients(folder):
    (folder / "mav0" / "cam0" / "sensor.yaml").write_text(_sensor(0.5, "equidistant"))
    camera = open_sequence(folder).camera
    assert camera.distortion_model == "equidistant"
    assert len(camera.D) == 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_sensor(0.5, "odd"), "distortion_model is 'odd'"),
        (_sensor(0.5, camera_model="omni"), "camera_model is 'omni'"),
        (_sensor(0.5).replace("1.7e-05]", "1.7e-05, 0.1, 0.2]"), "needs 5 values, D has 6"),
        (_sensor(0.5, "equidistant").replace("1.7e-05]", "1.7e-05, 0.1]"), "needs 4 values"),
        (_sensor(0.5).replace("15.0, 11.0]", "15.0]"), "intrinsics has 3 values"),
        (_sensor(0.5).replace("resolution", "size"), "field 'resolution' is missing"),
        ("T_BS: [1, 2", "is not YAML"),
    ],
)
def test_a_bad_sensor_file_is_named_with_what_is_wrong(folder, content, reason):
    (folder / "mav0" / "cam0" / "sensor.yaml").write_text(content)
    with pytest.raises(DatasetError, match=r"sensor\.yaml") as error:
        open_sequence(folder)
    assert reason in str(error.value)


@pytest.mark.parametrize("model", ["radial-tangential", "fisheye", "equidistant"])
def test_zeros_behind_the_values_of_a_model_do_not_count(folder, model):
    content = _sensor(0.5, model).replace("1.7e-05]", "1.7e-05, 0.0, 0.0, 0.0, 0.0]")
    (folder / "mav0" / "cam0" / "sensor.yaml").write_text(content)
    assert open_sequence(folder).camera.D[3] == 1.7e-05
    assert not open_sequence(folder).camera.D[4:].any()


def test_kalibrs_camchain_is_taken_where_there_is_no_sensor_file(folder):
    for camera in ("cam0", "cam1"):
        (folder / "mav0" / camera / "sensor.yaml").unlink()
    camera = (
        "  camera_model: pinhole\n  intrinsics: [40.0, 41.0, 15.0, 11.0]\n"
        "  distortion_model: radtan\n  distortion_coeffs: [-0.28, 0.07, 0.0002, 1.7e-05]\n"
        "  resolution: [32, 24]\n"
    )
    T = "  T_cn_cnm1: [[1, 0, 0, -0.1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]\n"
    (folder / "room-camchain.yaml").write_text(f"cam0:\n{camera}cam1:\n{camera}{T}")
    sequence = open_sequence(folder)
    assert sequence.sensors == ("mono", "stereo")
    assert sequence.camera.K[1, 1] == 41.0
    np.testing.assert_allclose(sequence.T_left_right[:3, 3], [0.1, 0, 0])


def test_a_missing_calibration_says_what_to_do(folder):
    (folder / "mav0" / "cam0" / "sensor.yaml").unlink()
    with pytest.raises(DatasetError, match=r"sensor\.yaml is missing.*--camera-info"):
        open_sequence(folder)


def test_a_missing_list_of_images_is_named(folder):
    (folder / "mav0" / "cam0" / "data.csv").unlink()
    with pytest.raises(DatasetError, match=r"cam0.data\.csv is missing"):
        open_sequence(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1.0, 0.0, 0.0, 0.0,", "1.0, 1.0, 0.0, 0.0,", "T_BS is .* no rigid motion"),
        ("1.0, 0.0, 0.0, 0.0,", "1.0, .nan, 0.0, 0.0,", "T_BS is .* no rigid motion"),
        ("0.0, 0.0, 1.0, 0.0,\n", "", "T_BS has 12 values"),
        ("T_BS", "T_XX", "field 'T_BS' is missing"),
        ("[32, 24]", "[32]", r"resolution is \[32\]: give \[width, height\]"),
        ("[40.0, 41.0", "[0.1, 40.0, 41.0", "intrinsics has 5 values"),
    ],
)
@pytest.mark.parametrize("camera", ["cam0", "cam1"])
def test_a_field_of_the_sensor_that_cannot_be_is_named(folder, camera, old, new, words):
    file = folder / "mav0" / camera / "sensor.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(DatasetError, match=rf"{camera}/sensor\.yaml: .*{words}"):
        open_sequence(folder)


def test_a_stamp_that_is_too_long_is_named_with_its_line(folder):
    file = folder / "mav0" / "cam0" / "data.csv"
    rows = file.read_text().splitlines()
    file.write_text("\n".join([*rows[:2], "9" * 20 + "," + rows[2].split(",")[1], *rows[3:]]))
    with pytest.raises(DatasetError, match=r"data\.csv, line 3: stamp is '9{20}'"):
        open_sequence(folder)


def test_body_poses_that_are_none_are_left_out_and_counted(folder):
    (folder / "groundtruth.txt").unlink()
    table = folder / "mav0" / "state_groundtruth_estimate0" / "data.csv"
    table.parent.mkdir()
    table.write_text(
        "#timestamp,p,q\n1403715276212143104,1,2,3,0,0,0,0\n1403715276262143104,1,2,3,1,0,0,0\n"
        "1403715276312143104,1,2,3,nan,0,0,0\n"
    )
    truth = open_sequence(folder).ground_truth
    assert (len(truth), truth.num_left_out) == (1, 2)
