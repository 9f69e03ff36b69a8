import numpy as np
import pytest

from aliked_ros.datasets import DatasetError, Options, open_sequence
from aliked_ros.datasets.doubts import find_doubts


@pytest.fixture
def folder(tmp_path, save_image, save_depth, save_camera_info):
    sequence = tmp_path / "some_desk"
    depth = np.full((24, 32), 5000)
    depth[0, 0], depth[0, 1] = 0, 12500
    for stamp in ("1.00", "1.10", "1.20"):
        save_image(sequence / "rgb" / f"{stamp}.png", 100, is_colour=True)
    for stamp in ("1.015", "1.095"):
        save_depth(sequence / "depth" / f"{stamp}.png", depth)
    (sequence / "rgb.txt").write_text(
        "# color images\n1.00 rgb/1.00.png\n1.10 rgb/1.10.png\n1.20 rgb/1.20.png\n"
    )
    (sequence / "depth.txt").write_text("# d\n1.015 depth/1.015.png\n1.095 depth/1.095.png\n")
    (sequence / "groundtruth.txt").write_text("1.00 1 0 0 0 0 0 1\n1.05 2 0 0 0 0 0 1\n")
    save_camera_info(sequence / "camera_info.yaml", 40.0)
    return sequence


def test_colour_depth_and_ground_truth_are_associated(folder):
    sequence = open_sequence(folder)
    assert (sequence.layout, len(sequence), sequence.sensors) == ("tum", 3, ("mono", "rgbd"))
    frame = sequence.read(0)
    assert frame.stamp_ns == 1_000_000_000
    assert frame.image[0, 0].tolist() == [100, 50, 25]
    assert np.isnan(frame.depth_m[0, 0])
    assert frame.depth_m[0, 1] == pytest.approx(2.5)
    assert frame.depth_m[5, 5] == pytest.approx(1.0)
    assert frame.T_world_camera[0, 3] == 1


def test_an_image_without_depth_within_20_ms_comes_without_and_is_counted(folder):
    sequence = open_sequence(folder)
    assert sequence.read(2, "rgbd").depth_m is None
    (remark,) = sequence.remarks
    assert (
        "1 of 3 images have no depth image within 20 ms (the nearest is 105.0 ms off; sync_slop_s"
        in remark
    )
    assert open_sequence(folder, options=Options(sync_slop_s=0.2)).sensors == sequence.sensors


def test_how_late_the_depth_is_comes_with_the_frame(folder):
    frames = [open_sequence(folder).read(index, "rgbd") for index in range(3)]
    offsets_s = [frame.depth_offset_s for frame in frames]
    assert offsets_s == pytest.approx([0.015, -0.005, 0.0], abs=1e-9)
    assert open_sequence(folder).read(0, "mono").depth_offset_s == 0


def test_ground_truth_far_away_in_time_is_none(folder):
    assert open_sequence(folder).read(1).T_world_camera is None


def test_depth_that_nothing_lists_is_named(folder):
    (folder / "depth.txt").unlink()
    sequence = open_sequence(folder)
    assert sequence.sensors == ("mono",)
    assert "depth/ is not read: depth.txt or associations.txt" in sequence.remarks[0]


@pytest.mark.parametrize(
    "row",
    [
        "1.00 rgb/1.00.png 1.095 depth/1.095.png",
        "1.095 depth/1.095.png 1.00 rgb/1.00.png",
        "1.00  rgb/1.00.png\t1.095  depth/1.095.png  ",
    ],
)
@pytest.mark.parametrize("is_alone", [True, False])
def test_associations_tell_what_belongs_together(folder, row, is_alone):
    (folder / "associations.txt").write_text(f"{row}\n")
    (folder / "depth.txt").unlink()
    if is_alone:
        (folder / "rgb.txt").unlink()
    sequence = open_sequence(folder)
    assert (sequence.layout, sequence.sensors) == ("tum", ("mono", "rgbd"))
    assert sequence.stamps_ns.tolist() == [1_000_000_000]
    assert sequence.read(0, "rgbd").depth_m[5, 5] == pytest.approx(1.0)
    assert sequence.remarks == ()


def test_names_of_files_may_hold_blanks(folder, save_image):
    save_image(folder / "my rgb" / "img 1.000.png")
    (folder / "rgb.txt").write_text("1.00 my rgb/img 1.000.png\n")
    assert open_sequence(folder).read(0).image[0, 0] == 100


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_with_a_byte_order_mark_are_read(folder, encoding):
    for name in ("rgb.txt", "depth.txt", "groundtruth.txt", "camera_info.yaml"):
        text = (folder / name).read_text().replace("\n", "\r\n")
        (folder / name).write_bytes(text.encode(encoding))
    sequence = open_sequence(folder)
    assert (len(sequence), sequence.camera.K[0, 0]) == (3, 40.0)
    assert sequence.read(0, "rgbd").depth_m is not None


def test_a_list_that_is_no_text_is_named(folder):
    (folder / "rgb.txt").write_bytes(b"1.0 rgb/\xe4.png\n")
    with pytest.raises(DatasetError, match=r"rgb\.txt is not text in utf-8: byte 8 is 0xe4"):
        open_sequence(folder)


def test_depth_of_another_scale_is_read_as_asked(folder):
    frame = open_sequence(folder, options=Options(depth_scale=0.001)).read(0, "rgbd")
    assert frame.depth_m[5, 5] == pytest.approx(5.0)
    assert np.isnan(frame.depth_m[0, 0])


@pytest.mark.parametrize(("near_mm", "median"), [(1401, "0.31"), (3501, "0.73")])
def test_depth_in_millimetres_is_doubted(folder, save_depth, near_mm, median):
    for path in (folder / "depth").iterdir():
        save_depth(path, near_mm + np.arange(24 * 32).reshape(24, 32) % 311)
    doubts = find_doubts(open_sequence(folder), "rgbd")
    assert f"median depth is {median} m" in doubts[0]
    assert "--depth-scale is 0.001" in doubts[0]
    asked = open_sequence(folder, options=Options(depth_scale=0.001))
    assert find_doubts(asked, "rgbd") == []


def test_near_depth_of_a_kinect_is_not_doubted(folder, save_depth):
    for path in (folder / "depth").iterdir():
        save_depth(path, 5 * (600 + np.arange(24 * 32).reshape(24, 32)))
    assert find_doubts(open_sequence(folder), "rgbd") == []


def test_a_list_out_of_order_is_sorted(folder):
    (folder / "rgb.txt").write_text("1.20 rgb/1.20.png\n1.00 rgb/1.00.png\n1.00 rgb/1.10.png\n")
    assert open_sequence(folder).stamps_ns.tolist() == [1_000_000_000, 1_200_000_000]


@pytest.mark.parametrize(
    ("name", "focal_px"),
    [("rgbd_dataset_freiburg1_xyz", 517.3), ("fr2_desk", 520.9), ("tum_fr3_office", 535.4)],
)
def test_the_benchmarks_cameras_are_known_by_name(folder, name, focal_px):
    (folder / "camera_info.yaml").unlink()
    renamed = folder.rename(folder.with_name(name))
    camera = open_sequence(renamed).camera
    assert camera.K[0, 0] == pytest.approx(focal_px, abs=0.01)
    assert camera.is_distorted == (focal_px < 530)


def test_an_unknown_camera_has_no_calibration(folder):
    (folder / "camera_info.yaml").unlink()
    with pytest.raises(DatasetError, match=r"some_desk.*no calibration"):
        open_sequence(folder).require_camera()


def test_a_row_without_a_file_is_named(folder):
    (folder / "rgb.txt").write_text("1.00\n")
    with pytest.raises(DatasetError, match=r"rgb\.txt, line 1"):
        open_sequence(folder)


def test_a_listed_file_that_is_missing_costs_only_its_frame(folder):
    (folder / "rgb" / "1.10.png").unlink()
    errors = []
    assert len(list(open_sequence(folder).frames("mono", on_error=errors.append))) == 2
    assert "1.10.png" in errors[0].reason


def test_rows_that_repeat_a_stamp_are_counted(folder):
    rows = (folder / "rgb.txt").read_text()
    (folder / "rgb.txt").write_text(rows + "1.00 rgb/1.10.png\n")
    remarks = open_sequence(folder).remarks
    assert "1 of 4 rows of" in remarks[0]
    assert "rgb.txt repeat a stamp" in remarks[0]


@pytest.mark.parametrize(
    ("stamp", "words"),
    [("1305031102000000000", "line 1: .* seconds, not"), ("1e300", "line 1: stamp is '1e300'")],
)
def test_a_stamp_in_another_unit_is_named_with_its_line(folder, stamp, words):
    rows = (folder / "rgb.txt").read_text().splitlines()
    (folder / "rgb.txt").write_text(f"{stamp} {rows[-1].split()[1]}\n")
    with pytest.raises(DatasetError, match=rf"rgb\.txt, {words}"):
        open_sequence(folder)


@pytest.mark.parametrize("option", [{"sync_slop_s": 1e300}, {"rate_hz": 1e300}])
def test_options_that_no_clock_can_count_are_refused(option):
    with pytest.raises(ValueError, match=r"sync_slop_s is .*give at most 10 s"):
        Options(**option)
