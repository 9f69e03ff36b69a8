import numpy as np
import pytest

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.sequence import DatasetError


@pytest.fixture
def folder(tmp_path, save_image, save_depth):
    for index, suffix in enumerate((".color.jpg", ".color.png")):
        name = f"frame-{index:06d}"
        save_image(tmp_path / f"{name}{suffix}", 120, is_colour=True)
        depth = np.tile(np.arange(640) + 1000, (480, 1))
        depth[240, 320], depth[240, 321] = 0, 65535
        save_depth(tmp_path / f"{name}.depth.png", depth)
        pose = np.eye(4)
        pose[0, 3] = index
        np.savetxt(tmp_path / f"{name}.pose.txt", pose)
    return tmp_path


@pytest.fixture
def full_size(folder, save_image):
    import cv2

    for file in [*folder.glob("*.color.*")]:
        assert cv2.imwrite(str(file), np.full((480, 640, 3), 90, np.uint8))
    return folder


def test_frames_of_either_suffix_are_read(full_size):
    sequence = open_sequence(full_size)
    assert (sequence.layout, len(sequence), sequence.sensors) == ("7scenes", 2, ("mono", "rgbd"))
    assert not sequence.has_stamps
    assert sequence.stamps_ns.tolist() == [0, 33_333_333]
    assert sequence.camera.K[0, 0] == 525.0
    assert sequence.read(1).T_world_camera[0, 3] == 1


def test_depth_is_seen_by_the_colour_camera(full_size):
    depth_m = open_sequence(full_size).read(0).depth_m
    assert depth_m.dtype == np.float32
    # Scaled by 525/585 about the centre: column 425 shows what column 437 of the depth image has.
    assert depth_m[100, 425] == pytest.approx(1e-3 * (1000 + 437))
    assert np.isnan(depth_m[240, 320])
    assert np.isnan(depth_m[240, 321])
    # The depth camera sees less: a border remains unknown.
    assert np.isnan(depth_m[:, :32]).all()
    assert np.isfinite(depth_m[100, 34:300]).all()


def test_the_folders_depth_calibration_counts(full_size):
    np.savetxt(full_size / "camera-intrinsics.txt", [[525, 0, 320], [0, 525, 240], [0, 0, 1]])
    depth_m = open_sequence(full_size).read(0).depth_m
    assert depth_m[100, 437] == pytest.approx(1e-3 * (1000 + 437))


def test_a_frame_whose_pose_was_lost_has_no_ground_truth(full_size):
    np.savetxt(full_size / "frame-000001.pose.txt", np.full((4, 4), np.nan))
    sequence = open_sequence(full_size)
    assert sequence.read(1).T_world_camera is None
    assert sequence.read(0).T_world_camera is not None


def test_without_depth_only_mono_is_served(full_size):
    for file in full_size.glob("*.depth.png"):
        file.unlink()
    assert open_sequence(full_size).sensors == ("mono",)


def test_a_scene_with_several_runs_names_them(full_size):
    run = full_size / "seq-01"
    run.mkdir()
    for file in [*full_size.glob("frame-*")]:
        file.rename(run / file.name)
    with pytest.raises(DatasetError, match="seq-01"):
        open_sequence(full_size)
    assert open_sequence(run).name == "seq-01"


def test_a_pose_that_is_no_rotation_is_left_out_and_counted(folder):
    files = sorted(folder.glob("*.pose.txt"))
    files[0].write_text("0 " * 16)
    truth = open_sequence(folder).ground_truth
    assert truth.num_left_out == 1
    assert len(truth) == len(files) - 1


def test_a_pose_of_another_size_is_named(folder):
    file = sorted(folder.glob("*.pose.txt"))[0]
    file.write_text("1 0 0 0")
    with pytest.raises(DatasetError, match=r"pose\.txt: give a 4x4 matrix, it has 4 numbers"):
        open_sequence(folder)
