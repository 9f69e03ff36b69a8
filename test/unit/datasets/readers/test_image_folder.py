import struct

import numpy as np
import pytest

from aliked_ros.datasets import DatasetError, Options, open_sequence


def test_images_in_the_folder_are_counted_at_a_rate(tmp_path, save_image):
    for index in (1, 2, 10):
        save_image(tmp_path / f"img_{index}.png", 100 + index)
    sequence = open_sequence(tmp_path, rate_hz=10.0)
    assert (sequence.layout, sequence.sensors, sequence.has_stamps) == ("images", ("mono",), False)
    assert sequence.stamps_ns.tolist() == [0, 100_000_000, 200_000_000]
    assert sequence.read(2).image[0, 0] == 110
    assert sequence.ground_truth is None


def test_images_may_lie_in_a_folder_of_their_own(tmp_path, save_image, save_camera_info):
    save_image(tmp_path / "images" / "a.jpg")
    save_camera_info(tmp_path / "camera_info.yaml", 40.0)
    sequence = open_sequence(tmp_path)
    assert len(sequence) == 1
    assert sequence.camera.K[0, 0] == 40.0


def test_ground_truth_with_a_row_per_image_tells_the_stamps(tmp_path, save_image):
    for index in range(2):
        save_image(tmp_path / f"{index}.png")
    (tmp_path / "groundtruth.txt").write_text("5.0 0 0 0 0 0 0 1\n5.25 1 0 0 0 0 0 1\n")
    sequence = open_sequence(tmp_path)
    assert sequence.stamps_ns.tolist() == [5_000_000_000, 5_250_000_000]
    assert sequence.read(1).T_world_camera[0, 3] == 1


@pytest.mark.parametrize(
    ("names", "stamps_ns"),
    [
        (
            ["1403715276212143104", "1403715276262142976"],
            [1403715276212143104, 1403715276262142976],
        ),
        (["1311868169.263274", "1311868169.163498"], [1311868169163498000, 1311868169263274000]),
    ],
)
def test_names_that_are_stamps_are_taken_as_stamps(tmp_path, save_image, names, stamps_ns):
    for name in names:
        save_image(tmp_path / f"{name}.png")
    sequence = open_sequence(tmp_path)
    assert sequence.has_stamps
    assert sequence.stamps_ns.tolist() == stamps_ns


def test_a_folder_without_images_says_what_was_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DatasetError, match=r"notes\.txt.*KITTI.*TUM.*EuRoC.*7-Scenes.*image"):
        open_sequence(tmp_path)


@pytest.mark.parametrize(
    ("name", "remedy"), [("depth", "associations.txt"), ("right", "image_0 and image_1")]
)
def test_what_lies_beside_the_images_and_is_not_read_is_named(tmp_path, save_image, name, remedy):
    save_image(tmp_path / "rgb" / "a.png")
    save_image(tmp_path / name / "a.png")
    remark, counted = open_sequence(tmp_path).remarks
    assert "counted at 30 Hz" in counted
    assert f"{name}/ is not read" in remark
    assert remedy in remark


def test_a_rate_that_is_not_used_is_said(tmp_path, save_image):
    save_image(tmp_path / "1.000000.png")
    (remark,) = open_sequence(tmp_path, rate_hz=10.0).remarks
    assert "a rate of 10 Hz is not used" in remark


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"topics": (("image", "/a"),)}, "are of bags"),
        ({"stamps": "recorded"}, "are of bags"),
        ({"depth_scale": 0.001}, "serves no depth images"),
    ],
)
def test_what_a_folder_cannot_do_is_refused(tmp_path, save_image, options, reason):
    save_image(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=reason):
        open_sequence(tmp_path, options=Options(**options))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"stamps": "clock"}, "stamps is 'clock'"),
        ({"depth_scale": -1.0}, "depth_scale is -1.0"),
        ({"max_megapixels": float("nan")}, "max_megapixels is nan"),
    ],
)
def test_options_are_checked(options, reason):
    with pytest.raises(ValueError, match=reason):
        Options(**options)


@pytest.mark.parametrize(
    ("names", "step_ns"),
    [
        (["1700000000123456", "1700000000156789"], 33_333_000),
        (["1700000000123", "1700000000156"], 33_000_000),
        (["1700000000123456789", "1700000000156790122"], 33_333_333),
        (["0000000000000016", "0000000000000049"], 33),
    ],
)
def test_the_unit_of_whole_numbers_is_told_by_their_year(tmp_path, save_image, names, step_ns):
    for name in names:
        save_image(tmp_path / f"{name}.png")
    sequence = open_sequence(tmp_path)
    assert sequence.has_stamps
    assert int(np.diff(sequence.stamps_ns)[0]) == step_ns


def test_one_name_far_from_the_others_is_left_out_and_said(tmp_path, save_image):
    for index in range(6):
        save_image(tmp_path / f"{1700000000123456789 + index * 33_333_333}.png")
    save_image(tmp_path / "0000000000000000000.png")
    sequence = open_sequence(tmp_path)
    assert len(sequence) == 6
    assert "1 of 7 stamps of names are far from all others (0.000000000 s)" in sequence.remarks[0]


def test_images_that_a_viewer_turns_are_said(tmp_path, save_image):
    save_image(tmp_path / "0.jpg")
    data = (tmp_path / "0.jpg").read_bytes()
    tiff = struct.pack("<4sIHHHIHH", b"II*\0", 8, 1, 0x0112, 3, 1, 6, 0) + bytes(4)
    body = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    (tmp_path / "0.jpg").write_bytes(data[:2] + segment + data[2:])
    sequence = open_sequence(tmp_path)
    assert sequence.read(0).image.shape == (24, 32)
    assert "turns the images by 90 deg (EXIF)" in " ".join(sequence.remarks)
