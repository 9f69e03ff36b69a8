import cv2
import numpy as np
import pytest

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.sequence import DatasetError
from aliked_ros.geometry.camera import baseline_m

CALIBRATION = """calib_time: 09-Jan-2012 13:57:47
corner_dist: 9.950000e-02
S_00: 40 30
K_00: 70 0 19.5 0 70 14.5 0 0 1
D_00: -0.2 0.05 0 0 0
R_00: 1 0 0 0 1 0 0 0 1
T_00: 0 0 0
S_rect_00: 32 24
P_rect_00: 50 0 15.5 0 0 50 11.5 0 0 0 1 0
S_01: 40 30
K_01: 71 0 19.5 0 71 14.5 0 0 1
D_01: -0.2 0.05 0 0 0
R_01: 1 0 0 0 0 -1 0 1 0
T_01: -0.5 0 0
S_rect_01: 32 24
P_rect_01: 50 0 15.5 -25 0 50 11.5 0 0 0 1 0
S_02: 40 30
S_rect_02: 32 24
P_rect_02: 50 0 15.5 3 0 50 11.5 0 0 0 1 0
P_rect_03: 50 0 15.5 -22 0 50 11.5 0 0 0 1 0
"""
TIMES = """2011-09-26 13:02:25.964389445
2011-09-26 13:02:26.067810000
2011-09-26 13:02:26.171

"""


@pytest.fixture
def drive(tmp_path, save_image):
    """A drive in the folder of its date, where the calibration lies."""
    date = tmp_path / "2011_09_26"
    drive = date / "2011_09_26_drive_0001_sync"
    for index in range(3):
        for camera in (0, 1):
            save_image(drive / f"image_0{camera}" / "data" / f"{index:010d}.png", 100 + 10 * index)
            (drive / f"image_0{camera}" / "timestamps.txt").write_text(TIMES)
    (date / "calib_cam_to_cam.txt").write_text(CALIBRATION)
    return drive


def as_raw(drive):
    """Make the images as large as those that are not rectified."""
    for file in drive.rglob("*.png"):
        cv2.imwrite(str(file), np.full((30, 40), 90, np.uint8))


def test_a_drive_is_read_with_its_calibration_and_times(drive):
    sequence = open_sequence(drive)
    assert (sequence.layout, sequence.name) == ("kitti_raw", "2011_09_26_drive_0001_sync")
    assert sequence.sensors == ("mono", "stereo")
    assert sequence.has_stamps
    assert sequence.stamps_ns[0] == 1317042145_964389445
    assert np.diff(sequence.stamps_ns).tolist() == [103420555, 103190000]
    assert sequence.remarks == ()
    frame = sequence.read(2)
    assert frame.image[0, 0] == 120
    assert frame.right_image.shape == (24, 32)


def test_the_baseline_is_between_the_projections_of_both_cameras(drive):
    for camera in (0, 1):
        (drive / f"image_0{camera}").rename(drive / f"image_0{camera + 2}")
    sequence = open_sequence(drive)
    assert baseline_m(sequence.right_camera, sequence.camera) == pytest.approx(0.5)


def test_images_that_are_not_rectified_have_their_own_cameras(drive):
    as_raw(drive)
    sequence = open_sequence(drive)
    assert sequence.camera.K[0, 0] == 70
    assert sequence.camera.distortion_model == "plumb_bob"
    assert sequence.right_camera.K[0, 0] == 71
    # x_right = R_01 x_0 + T_01: the right camera lies at -R_01^T T_01.
    np.testing.assert_allclose(sequence.T_left_right[:3, 3], [0.5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(sequence.T_left_right[:3, 1], [0, 0, -1], atol=1e-12)


def test_a_matrix_that_is_no_rotation_is_named(drive):
    as_raw(drive)
    file = drive.parent / "calib_cam_to_cam.txt"
    file.write_text(CALIBRATION.replace("R_01: 1 0", "R_01: 2 0"))
    with pytest.raises(DatasetError, match=r"R_01 and T_01 is .* no rigid motion"):
        open_sequence(drive)


def test_images_of_another_size_are_refused_with_both_sizes(drive):
    file = drive.parent / "calib_cam_to_cam.txt"
    file.write_text(CALIBRATION.replace("S_rect_00: 32 24", "S_rect_00: 64 48"))
    with pytest.raises(DatasetError, match=r"images are 32x24.*S_rect_00 64x48.*S_00 40x30"):
        open_sequence(drive)


def test_times_of_both_cameras_make_pairs(drive):
    (drive / "image_01" / "timestamps.txt").write_text(TIMES.replace("26.067810000", "26.100"))
    sequence = open_sequence(drive)
    assert sequence.read(1).right_image is None
    assert sequence.read(2).right_image is not None
    assert "1 of 3 images have no right image" in sequence.remarks[0]


def test_a_part_of_a_drive_is_paired_by_file_number(drive):
    (drive / "image_00" / "data" / "0000000000.png").unlink()
    sequence = open_sequence(drive)
    assert sequence.stamps_ns[0] == 1317042146_067810000


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("timestamps.txt", "2011-09-26 13:02:25\n", r"timestamps.txt has 1 rows.*0000000002.png"),
        ("timestamps.txt", "1317042145.96\n", r"line 1: a row is 'YYYY-MM-DD"),
        ("../../calib_cam_to_cam.txt", "S_00: 40 30\n", "has no row S_rect_00"),
        (
            "../../calib_cam_to_cam.txt",
            CALIBRATION.replace("P_rect_00: 50", "P_rect_00: nan"),
            "row P_rect_00: P is",
        ),
        (
            "../../calib_cam_to_cam.txt",
            CALIBRATION.replace("15.5 -25", "15.5 25"),
            "rows P_rect_00 and P_rect_01: the baseline is -0.5",
        ),
    ],
)
def test_what_cannot_be_is_named_with_its_file(drive, file, text, words):
    (drive / "image_00" / file).write_text(text)
    with pytest.raises(DatasetError, match=words):
        open_sequence(drive)


def test_without_times_and_right_rows_it_says_so(drive):
    (drive / "image_00" / "timestamps.txt").unlink()
    (drive / "image_01" / "timestamps.txt").unlink()
    file = drive.parent / "calib_cam_to_cam.txt"
    file.write_text(CALIBRATION.replace("P_rect_01", "P_rect_04"))
    (drive / "oxts").mkdir()
    sequence = open_sequence(drive)
    assert sequence.sensors == ("mono",)
    said = "; ".join(sequence.remarks)
    assert all(word in said for word in ("counted at 10 Hz", "no row P_rect_01", "oxts/"))


def test_without_calibration_the_error_says_where_it_belongs(drive):
    (drive.parent / "calib_cam_to_cam.txt").unlink()
    with pytest.raises(DatasetError, match=r"calib_cam_to_cam\.txt.*folder of the date"):
        open_sequence(drive)
