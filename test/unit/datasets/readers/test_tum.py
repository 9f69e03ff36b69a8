import numpy as np
import pytest

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.sequence import DatasetError, FrameError


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


def test_an_image_without_depth_within_20_ms_serves_mono_only(folder):
    sequence = open_sequence(folder)
    assert sequence.read(2).depth_m is None
    with pytest.raises(FrameError, match="no depth image"):
        sequence.read(2, "rgbd")


def test_ground_truth_far_away_in_time_is_none(folder):
    assert open_sequence(folder).read(1).T_world_camera is None


def test_without_depth_only_mono_is_served(folder):
    (folder / "depth.txt").unlink()
    assert open_sequence(folder).sensors == ("mono",)


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
