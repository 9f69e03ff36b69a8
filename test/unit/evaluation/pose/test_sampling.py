import cv2
import numpy as np
import pytest

from aliked_ros.datasets import DatasetError
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.datasets.sequence import Calibration, Pictures, Sequence
from aliked_ros.evaluation.pose.sampling import Limits, sample_pairs, save_images
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project, project_raw
from aliked_ros.structs import Camera

K = np.array([[300.0, 0, 160.0], [0, 300.0, 120.0], [0, 0, 1]])
P = np.column_stack([np.array([[280.0, 0, 158.0], [0, 280.0, 122.0], [0, 0, 1]]), np.zeros(3)])
R_rectified_camera = se3.exp_so3(np.array([0.02, -0.05, 0.03]))
CAMERA = Camera(320, 240, K, "plumb_bob", np.array([-0.2, 0.05, 0, 0, 0]), R_rectified_camera, P)
STAMPS_NS = np.arange(1, 31, dtype=np.int64) * 100_000_000


class DotSequence(Sequence):
    """A bent, turned camera that walks past dots; the first five frames have no ground truth."""

    layout = "dots"

    def __init__(self, ground_truth=True):
        poses = [se3.exp(np.array([0.1 * i, 0, 0.02 * i, 0, 0.01 * i, 0])) for i in range(30)]
        self.poses = np.array(poses)
        self.points = np.random.default_rng(0).uniform((-1, -1, 4), (3, 1, 6), (40, 3))
        truth = GroundTruth(STAMPS_NS[5:], self.poses[5:]) if ground_truth else None
        super().__init__("dots", STAMPS_NS, Calibration(CAMERA), ground_truth=truth)

    def _load(self, index, with_right, with_depth):
        image = np.zeros((240, 320, 3), np.uint8)
        points = se3.transform(se3.inverse(self.poses[index]), self.points)
        for x, y in project_raw(points, CAMERA):
            if np.isfinite([x, y]).all() and 0 <= x < 320 and 0 <= y < 240:
                cv2.circle(image, (round(x), round(y)), 2, (255, 255, 255), -1)
        return Pictures(image)


def test_pairs_keep_the_limits_and_the_seed_repeats_them():
    limits = Limits(0.3, 0.9, 6.0)
    first = sample_pairs(DotSequence(), 20, limits, seed=3)
    assert len(first) == 20
    for pair in first:
        assert 0.3 <= np.linalg.norm(pair.T_1_0[:3, 3]) <= 0.9
        assert se3.rotation_angle_deg(pair.T_1_0[:3, :3]) <= 6.0
        assert int(pair.name0[:6]) >= 5
    names = [[(pair.name0, pair.name1) for pair in sample_pairs(DotSequence(), 20, limits, seed)]
             for seed in (3, 4)]  # fmt: skip
    assert names[0] == [(pair.name0, pair.name1) for pair in first]
    assert names[0] != names[1]


def test_rectified_images_show_points_where_the_pair_says(tmp_path):
    sequence = DotSequence()
    pair = sample_pairs(sequence, 1, Limits(0.3, 0.9))[0]
    save_images(sequence, [pair], tmp_path)
    index0 = int(pair.name0[:6])
    T_camera_rectified = se3.from_rotation_translation(R_rectified_camera.T, np.zeros(3))
    T_world_rectified0 = sequence.poses[index0] @ T_camera_rectified
    points0 = se3.transform(se3.inverse(T_world_rectified0), sequence.points)
    for name, K_rectified, points in (
        (pair.name0, pair.K0, points0),
        (pair.name1, pair.K1, se3.transform(pair.T_1_0, points0)),
    ):
        grey = cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE)
        x, y = np.round(project(points, K_rectified)).astype(int).T
        seen = (x > 8) & (x < 311) & (y > 8) & (y < 231)
        assert seen.sum() > 10
        assert (grey[y[seen], x[seen]] > 100).mean() > 0.95


def test_sequence_without_ground_truth_is_named():
    with pytest.raises(DatasetError, match="dots has no ground truth"):
        sample_pairs(DotSequence(ground_truth=False), 5, Limits())
