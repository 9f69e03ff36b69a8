from dataclasses import replace

import numpy as np
import pytest

from aliked_ros.odometry import StereoDepth, sample_depth
from aliked_ros.synthetic.room import SyntheticRoom


def test_depth_is_read_at_the_nearest_pixel():
    depth_m = np.full((20, 30), 2.0, np.float32)
    depth_m[:, 15:] = 2.05
    found = sample_depth(depth_m, np.array([[3.4, 5.4], [20.0, 19.0]]))
    np.testing.assert_allclose(found, [2.0, 2.05], rtol=1e-6)


def test_an_edge_in_depth_belongs_to_neither_side():
    depth_m = np.full((20, 30), 2.0, np.float32)
    depth_m[:, 15:] = 4.0
    found = sample_depth(depth_m, np.array([[14.0, 10.0], [15.0, 10.0], [12.0, 10.0]]))
    assert np.isnan(found[:2]).all()
    assert found[2] == 2.0


def test_holes_and_keypoints_outside_have_no_depth():
    depth_m = np.full((20, 30), 2.0, np.float32)
    depth_m[5:9, 5:9] = np.nan
    points = np.array([[7.0, 7.0], [-3.0, 4.0], [29.6, 4.0], [np.nan, 1.0], [20.0, 10.0]])
    found = sample_depth(depth_m, points)
    np.testing.assert_array_equal(np.isfinite(found), [False, False, False, False, True])
    assert len(sample_depth(depth_m, np.zeros((0, 2)))) == 0


@pytest.fixture(scope="module")
def room():
    return SyntheticRoom(width=320, height=240, num_frames=2)


def test_stereo_depth_agrees_with_the_renderers_exact_depth(room):
    frame = room.read(0)
    generator = np.random.default_rng(0)
    points = generator.uniform([20, 20], [300, 220], (400, 2))
    found = StereoDepth(room.camera, room.right_camera)(frame.image, frame.right_image, points)
    truth = sample_depth(frame.depth_m, points)
    both = np.isfinite(found) & np.isfinite(truth)
    assert both.sum() > 50
    focal_px, baseline_m = room.camera.K[0, 0], -room.right_camera.P[0, 3] / room.camera.K[0, 0]
    error_px = focal_px * baseline_m * (1 / found[both] - 1 / truth[both])
    assert np.median(np.abs(error_px)) < 0.2  # the deviation that the odometry assumes
    assert np.mean(np.abs(error_px) > 1.0) < 0.05


def test_a_pair_without_a_baseline_is_refused(room):
    with pytest.raises(ValueError, match="baseline"):
        StereoDepth(room.camera, replace(room.right_camera, P=None))
