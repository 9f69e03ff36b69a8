"""The readers on the real sequences of the shared data."""

import numpy as np
import pytest

from aliked_ros.datasets import open_sequence

pytestmark = pytest.mark.golden


def _open(shared, name):
    path = shared / "data" / name
    if not path.is_dir():
        pytest.skip(f"no {name}: {path} is absent")
    return open_sequence(path)


@pytest.mark.parametrize(
    ("name", "layout", "count", "sensors", "shape", "focal_px", "num_poses"),
    [
        ("kitti00", "kitti", 100, ("mono", "stereo"), (376, 1241), 718.856, 100),
        ("7scenes_redkitchen", "7scenes", 250, ("mono", "rgbd"), (480, 640, 3), 525.0, 250),
        ("tum_fr2_desk_20", "tum", 20, ("mono",), (480, 640, 3), 520.90862, 20),
        ("euroc_v101_static", "euroc", 10, ("mono", "stereo"), (480, 752), 458.654, 10),
        ("euroc_v101_sparse", "euroc", 60, ("mono", "stereo"), (480, 752), 458.654, 59),
        ("vamr_ex01", "images", 90, ("mono",), (480, 752, 3), 420.506712, 90),
    ],
)
def test_a_real_sequence_is_read_whole(
    shared, name, layout, count, sensors, shape, focal_px, num_poses
):
    sequence = _open(shared, name)
    assert (sequence.layout, len(sequence), sequence.sensors) == (layout, count, sensors)
    assert sequence.camera.K[0, 0] == pytest.approx(focal_px)
    frame = sequence.read(count - 1)
    assert frame.image.shape == shape
    assert (frame.right_image is not None) == ("stereo" in sensors)
    assert (frame.depth_m is not None) == ("rgbd" in sensors)
    truth = sequence.ground_truth
    with_pose = [stamp for stamp in sequence.stamps_ns.tolist() if truth.at(stamp) is not None]
    assert len(with_pose) == num_poses


@pytest.mark.parametrize(
    ("name", "first_ns", "second_ns"),
    [
        ("kitti00", 0, 103735900),
        ("7scenes_redkitchen", 0, 33333333),
        ("tum_fr2_desk_20", 1311868169163498000, 1311868169263274000),
        ("euroc_v101_static", 1403715276212143104, 1403715276262142976),
        ("vamr_ex01", 0, 33333000),
    ],
)
def test_stamps_are_those_of_the_files(shared, name, first_ns, second_ns):
    assert _open(shared, name).stamps_ns[:2].tolist() == [first_ns, second_ns]


def test_the_first_pose_of_7scenes_is_the_files(shared):
    sequence = _open(shared, "7scenes_redkitchen")
    file = shared / "data" / "7scenes_redkitchen" / "frame-000000.pose.txt"
    np.testing.assert_allclose(sequence.read(0).T_world_camera, np.loadtxt(file), atol=1e-4)


def test_the_kitti_baseline_is_the_published_one(shared):
    P = _open(shared, "kitti00").right_camera.P
    assert -P[0, 3] / P[0, 0] == pytest.approx(0.5372, abs=1e-4)


def test_the_euroc_cameras_are_11_cm_apart(shared):
    T_left_right = _open(shared, "euroc_v101_static").T_left_right
    assert np.linalg.norm(T_left_right[:3, 3]) == pytest.approx(0.110, abs=1e-3)
    assert T_left_right[0, 3] > 0.1


def test_the_standing_drone_stands_still(shared):
    sequence = _open(shared, "euroc_v101_static")
    positions_m = np.array([frame.T_world_camera[:3, 3] for frame in sequence.frames("mono")])
    assert np.ptp(positions_m, axis=0).max() < 0.005


def test_registered_depth_of_7scenes_lies_on_the_colour_edges(shared):
    # Depth steps and colour edges meet better after the registration than with the raw depth.
    import cv2

    sequence = _open(shared, "7scenes_redkitchen")
    folder = shared / "data" / "7scenes_redkitchen"
    registered, unregistered = [], []
    for index in range(0, 250, 25):
        frame = sequence.read(index, "rgbd")
        grey = cv2.GaussianBlur(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), (0, 0), 1.5)
        edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        raw_m = cv2.imread(str(folder / f"frame-{index:06d}.depth.png"), -1) * 1e-3
        for depth_m, contrasts in ((frame.depth_m, registered), (raw_m, unregistered)):
            step = np.abs(np.diff(np.nan_to_num(depth_m), axis=1))
            seen = (depth_m[:, 1:] > 0) & (depth_m[:, :-1] > 0) & (step > 0.1) & (step < 2)
            contrasts.append(edges[:, 1:][seen].mean())
    assert np.mean(registered) > 1.05 * np.mean(unregistered)
