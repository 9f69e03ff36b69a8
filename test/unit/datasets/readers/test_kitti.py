import numpy as np
import pytest
from kitti_writer import write_kitti

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.sequence import DatasetError
from aliked_ros.synthetic.room import SyntheticRoom

CALIBRATION = """P0: 700 0 15.5 0 0 700 11.5 0 0 0 1 0
P1: 700 0 15.5 -350 0 700 11.5 0 0 0 1 0
P2: 700 0 15.5 70 0 700 11.5 0 0 0 1 0
P3: 700 0 15.5 -280 0 700 11.5 0 0 0 1 0
Tr: 1 0 0 0 0 1 0 0 0 0 1 0
"""


def _poses(count):
    rows = [f"1 0 0 {i} 0 1 0 0 0 0 1 {2 * i}" for i in range(count)]
    return "\n".join(rows) + "\n"


@pytest.fixture
def folder(tmp_path, save_image):
    """The benchmark's own tree: sequences/07 with poses/07.txt beside it."""
    sequence = tmp_path / "dataset" / "sequences" / "07"
    for index in range(3):
        for camera in (0, 1):
            save_image(sequence / f"image_{camera}" / f"{index:06d}.png", 100 + 10 * index)
    (sequence / "calib.txt").write_text(CALIBRATION)
    (sequence / "times.txt").write_text("0.000000e+00\n1.037359e-01\n2.073381e-01\n")
    (tmp_path / "dataset" / "poses").mkdir()
    (tmp_path / "dataset" / "poses" / "07.txt").write_text(_poses(3))
    return sequence


def test_the_benchmarks_tree_is_read(folder):
    sequence = open_sequence(folder)
    assert (sequence.layout, sequence.name, len(sequence)) == ("kitti", "07", 3)
    assert sequence.sensors == ("mono", "stereo")
    assert sequence.has_stamps
    assert sequence.stamps_ns.tolist() == [0, 103735900, 207338100]
    assert sequence.T_left_right is None
    frame = sequence.read(2)
    assert frame.image.shape == (24, 32)
    assert frame.image[0, 0] == 120
    assert frame.right_image.shape == (24, 32)
    np.testing.assert_array_equal(frame.T_world_camera[:3, 3], [2, 0, 4])


def test_the_right_camera_carries_the_baseline(folder):
    sequence = open_sequence(folder)
    assert sequence.camera.K[0, 0] == 700
    assert sequence.right_camera.P[0, 3] == pytest.approx(-350.0)


def test_poses_beside_the_images_are_read_too(folder):
    (folder / "poses.txt").write_text(_poses(3).replace("1 0 0 1 ", "1 0 0 9 "))
    assert open_sequence(folder).read(1).T_world_camera[0, 3] == 9


def test_poses_are_found_beside_a_link_to_the_sequence(folder, tmp_path):
    stored = folder.rename(tmp_path / "stored")
    folder.symlink_to(stored)
    assert open_sequence(folder).ground_truth is not None


def test_the_colour_pair_has_its_own_baseline_and_pose(folder):
    for camera in (0, 1):
        (folder / f"image_{camera}").rename(folder / f"image_{camera + 2}")
    sequence = open_sequence(folder)
    assert sequence.right_camera.P[0, 3] == pytest.approx(-350.0)
    # P2 = K [I | 0.1]: camera 2 lies 0.1 m to the left of camera 0, whose poses the file holds.
    np.testing.assert_allclose(sequence.read(1).T_world_camera[:3, 3], [0.9, 0, 2])


def test_a_subset_with_full_tables_is_paired_by_file_number(folder):
    (folder / "image_0" / "000000.png").unlink()
    sequence = open_sequence(folder)
    assert sequence.stamps_ns.tolist() == [103735900, 207338100]
    assert sequence.read(0).T_world_camera[0, 3] == 1


def test_without_times_stamps_count_at_ten_hertz(folder):
    (folder / "times.txt").unlink()
    sequence = open_sequence(folder)
    assert not sequence.has_stamps
    assert sequence.stamps_ns.tolist() == [0, 100_000_000, 200_000_000]


def test_a_rate_can_be_given_where_there_are_no_times(folder):
    (folder / "times.txt").unlink()
    assert open_sequence(folder, rate_hz=20.0).stamps_ns[1] == 50_000_000


def test_without_the_right_images_only_mono_is_served(folder):
    for file in (folder / "image_1").iterdir():
        file.unlink()
    assert open_sequence(folder).sensors == ("mono",)


def test_without_poses_there_is_no_ground_truth(folder):
    (folder.parent.parent / "poses" / "07.txt").unlink()
    sequence = open_sequence(folder)
    assert sequence.ground_truth is None
    assert sequence.read(0).T_world_camera is None


def test_without_calibration_the_error_says_what_to_do(folder):
    (folder / "calib.txt").unlink()
    with pytest.raises(DatasetError, match=r"calib\.txt.*--camera-info"):
        open_sequence(folder)


def test_a_camera_info_overrides_calib(folder, save_camera_info):
    save_camera_info(folder / "camera_info.yaml", 650.0)
    sequence = open_sequence(folder)
    assert sequence.camera.K[0, 0] == 650.0
    assert sequence.right_camera.P[0, 3] == pytest.approx(-325.0)


def test_a_bad_row_of_the_calibration_is_named(folder):
    (folder / "calib.txt").write_text("P0: 1 2 3\n")
    with pytest.raises(DatasetError, match=r"calib\.txt, row P0"):
        open_sequence(folder)


def test_too_few_times_are_named(folder):
    (folder / "times.txt").write_text("0\n")
    with pytest.raises(DatasetError, match=r"times\.txt has 1 rows"):
        open_sequence(folder)


def test_a_broken_image_costs_only_its_frame(folder):
    (folder / "image_0" / "000001.png").write_bytes(b"broken")
    errors = []
    frames = list(open_sequence(folder).frames("stereo", on_error=errors.append))
    assert len(frames) == 2
    assert [error.index for error in errors] == [1]
    assert "000001.png" in errors[0].reason


def test_a_written_stereo_sequence_is_read_back(tmp_path):
    room = SyntheticRoom(1, 64, 48, num_frames=3, texels_per_m=40.0)
    write_kitti(room, tmp_path, limit=2)
    again = open_sequence(tmp_path)
    assert (again.layout, len(again)) == ("kitti", 2)
    np.testing.assert_allclose(again.right_camera.P, room.right_camera.P)
    written, frame = again.read(1, "stereo"), room.read(1)
    np.testing.assert_array_equal(written.image, frame.image)
    np.testing.assert_array_equal(written.right_image, frame.right_image)
    np.testing.assert_allclose(written.T_world_camera, frame.T_world_camera, atol=1e-8)
    assert written.stamp_ns == frame.stamp_ns


@pytest.mark.parametrize("name", ["calib.txt", "times.txt"])
def test_files_with_a_byte_order_mark_are_read(folder, name):
    text = (folder / name).read_text().replace("\n", "\r\n")
    (folder / name).write_text(text, encoding="utf-8-sig", newline="")
    sequence = open_sequence(folder)
    assert sequence.camera.K[0, 0] == 700
    assert sequence.stamps_ns[1] == 103735900


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("P1: 700 0 15.5 350 0 700 11.5 0 0 0 1 0", "P0 and P1: the baseline is -0.5 m"),
        ("P1: 700 0 15.5 0 0 700 11.5 0 0 0 1 0", "P0 and P1: the baseline is 0 m"),
        ("P1: 0 0 0 0 0 0 0 0 0 0 0 5", "row P1: P is zero"),
        ("P1: 700 0 0 0 700 0 15.5 11.5 1 -350 0 0", "row P1: focal length is 700.0, 0.0 px"),
    ],
)
def test_a_row_that_is_no_right_camera_is_named(folder, row, reason):
    lines = [row if line[:2] == "P1" else line for line in CALIBRATION.splitlines()]
    (folder / "calib.txt").write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=r"calib\.txt") as error:
        open_sequence(folder)
    assert reason in str(error.value)


def test_right_images_that_are_not_there_are_counted(folder):
    (folder / "image_1" / "000001.png").unlink()
    sequence = open_sequence(folder)
    assert "1 of 3 images have no right image" in sequence.remarks[0]
    assert sequence.read(1, "stereo").right_image is None


def test_right_images_without_their_row_are_named(folder):
    (folder / "calib.txt").write_text(CALIBRATION.splitlines()[0])
    sequence = open_sequence(folder)
    assert sequence.sensors == ("mono",)
    assert "the 3 right images are not used" in sequence.remarks[0]
    assert "has no row P1" in sequence.remarks[0]


def test_poses_that_are_none_are_left_out_and_counted(folder):
    rows = _poses(3).splitlines()
    (folder / "poses.txt").write_text("\n".join([" ".join(["nan"] * 12), rows[1], " 0" * 12]))
    sequence = open_sequence(folder)
    assert (len(sequence.ground_truth), sequence.ground_truth.num_left_out) == (1, 2)
    assert sequence.read(1).T_world_camera[0, 3] == 1


def test_stamps_out_of_order_are_named_with_both(folder):
    (folder / "times.txt").write_text("0.0\n5.0\n0.2\n")
    with pytest.raises(DatasetError, match=r"frame 2, 0\.2.* frame 1, 5\.0"):
        open_sequence(folder)
