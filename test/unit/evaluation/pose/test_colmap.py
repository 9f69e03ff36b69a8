import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from aliked_ros.evaluation.pose import colmap
from aliked_ros.extras import MissingPackageError
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project
from aliked_ros.structs import Camera, Features

CAMERA = Camera(640, 480, np.array([[500.0, 0, 319.5], [0, 510.0, 239.5], [0, 0, 1]]))


def test_points_are_triangulated_where_they_are(tmp_path):
    pytest.importorskip("pycolmap")
    generator = np.random.default_rng(0)
    points = np.column_stack([generator.uniform(-1.5, 1.5, (60, 2)), generator.uniform(4, 7, 60)])
    poses = {
        frame: se3.exp(np.array([0.4 * number, 0.1 * number, 0, 0, -0.05 * number, 0]))
        for number, frame in enumerate((0, 10, 20, 30))
    }
    keypoints = {
        frame: project(se3.transform(se3.inverse(pose), points), CAMERA.K)
        for frame, pose in poses.items()
    }
    same = np.column_stack([np.arange(60)] * 2)
    wrong = np.array([[0, 30], [1, 31]])
    matches = {(a, b): same for a in poses for b in poses if a < b} | {(0, 10): wrong}
    names = {frame: f"{frame}.png" for frame in poses}
    point_map = colmap.triangulate(CAMERA, names, poses, keypoints, matches, tmp_path)
    index = point_map.point_of_keypoint[20]
    seen = index >= 0
    assert seen.sum() > 50
    assert np.abs(point_map.points_world[index[seen]] - points[seen]).max() < 1e-2
    assert point_map.mean_error_px < 0.05
    assert point_map.mean_track_length > 2.5
    assert (tmp_path / "sfm" / "points3D.bin").is_file()


def test_missing_pycolmap_says_what_to_install(hide_package):
    hide_package("pycolmap")
    with pytest.raises(MissingPackageError, match=r"pip install \"aliked_ros\[localization\]\""):
        colmap.require_pycolmap()


def test_results_are_the_world_seen_from_the_camera(tmp_path):
    T_world_camera = se3.exp(np.array([1.0, 2.0, 3.0, 0.3, -0.2, 0.5]))
    colmap.write_results(tmp_path / "results.txt", {"a.png": T_world_camera})
    name, *values = (tmp_path / "results.txt").read_text().split()
    qw, qx, qy, qz, *t = map(float, values)
    R_camera_world = Rotation.from_quat([qx, qy, qz, qw]).as_matrix()
    assert name == "a.png"
    # The camera's own centre is its origin.
    assert np.allclose(R_camera_world @ T_world_camera[:3, 3] + t, 0, atol=1e-6)
    assert np.allclose(R_camera_world, T_world_camera[:3, :3].T, atol=1e-6)


def test_queries_carry_colmaps_half_pixel(tmp_path):
    colmap.write_queries(tmp_path / "queries.txt", ["a.png"], CAMERA)
    assert (tmp_path / "queries.txt").read_text() == "a.png PINHOLE 640 480 500 510 320 240\n"


def test_hlocs_features_are_transposed_and_an_interrupted_run_goes_on(tmp_path):
    h5py = pytest.importorskip("h5py")
    features = Features(torch.rand(5, 2), torch.rand(5), torch.rand(5), torch.rand(5, 8), (48, 64))
    file = tmp_path / "out" / "feats.h5"
    assert colmap.write_features(file, [("db/1.png", features)]) == 1
    assert colmap.write_features(file, [("db/1.png", features), ("q/2.png", features)]) == 2
    with h5py.File(file) as stored:
        assert stored["q/2.png"]["descriptors"].shape == (8, 5)
        assert np.allclose(stored["db/1.png"]["keypoints"], features.keypoints)
        assert stored["db/1.png"]["image_size"][:].tolist() == [64, 48]
