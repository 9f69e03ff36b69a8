import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aliked_ros.datasets import camera_files, stamps, tum_rows
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.geometry import se3
from aliked_ros.structs import Camera

stamps_ns = st.integers(0, 2**62)
coordinates = st.floats(-100.0, 100.0)
twists = st.lists(st.floats(-1.7, 1.7), min_size=6, max_size=6).map(np.array)
stamp_lists = st.lists(st.integers(0, 10**6), unique=True, max_size=30).map(
    lambda values: np.array(sorted(values), np.int64)
)


@given(stamps_ns)
def test_a_stamp_written_as_seconds_is_read_back_to_the_nanosecond(stamp_ns):
    assert stamps.seconds_to_ns(stamps.ns_to_seconds(stamp_ns)) == stamp_ns


@given(stamp_lists, stamp_lists, st.integers(0, 10**5))
def test_pairing_is_the_same_from_both_sides(first, second, tolerance_ns):
    forward = stamps.nearest(first, second, tolerance_ns)
    paired = np.flatnonzero(forward >= 0)
    partners = forward[paired]
    assert np.all(np.abs(first[paired] - second[partners]) <= tolerance_ns)
    assert len(np.unique(partners)) == len(partners)
    # Where two candidates are equally near, the two directions may choose differently.
    gaps = np.abs(first[:, None] - second[None, :])
    if gaps.size and len(np.unique(gaps)) == gaps.size:
        backward = stamps.nearest(second, first, tolerance_ns)
        assert {(i, j) for i, j in enumerate(forward) if j >= 0} == {
            (i, j) for j, i in enumerate(backward) if i >= 0
        }


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_increasing_keeps_each_stamp_once_in_order(values):
    kept = np.array(values, np.int64)[stamps.increasing(np.array(values, np.int64))]
    assert kept.tolist() == sorted(set(values))


@given(stamps_ns, twists)
def test_a_trajectory_row_is_read_back(stamp_ns, twist):
    T_world_camera = se3.exp(twist)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.txt")
        tum_rows.write(path, [(stamp_ns, T_world_camera)])
        again = tum_rows.read(path)
    assert again.stamps_ns.tolist() == [stamp_ns]
    np.testing.assert_allclose(again.T_world_camera[0], T_world_camera, atol=1e-8)


# Lenses whose distortion can be inverted: others are refused.
lenses = st.lists(st.floats(-0.01, 0.01), min_size=5, max_size=5)


@given(st.floats(400, 5000), lenses, st.floats(0.01, 5))
def test_a_camera_written_as_yaml_is_read_back(focal_px, distortion, baseline_m):
    D = np.array(distortion)
    K = np.array([[focal_px, 0, 320.5], [0, focal_px, 240.25], [0, 0, 1]])
    camera = Camera(640, 480, K, "plumb_bob" if D.any() else "none", D if D.any() else np.zeros(0))
    partner = camera_files.rectified_partner(camera, baseline_m)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "camera_info.yaml")
        camera_files.write(path, partner, "any")
        again = camera_files.read(path)
    for name in ("K", "D", "R", "P"):
        np.testing.assert_array_equal(getattr(again, name), getattr(partner, name))
    assert again.distortion_model == camera.distortion_model


@settings(max_examples=15, deadline=None)
@given(twists, st.floats(0.1, 10.0), st.booleans())
def test_a_score_does_not_depend_on_the_estimates_world(twist, scale, with_scale):
    random = np.random.default_rng(0)
    truth = np.array([se3.exp(random.normal(0, 1, 6)) for _ in range(12)])
    estimate = np.array([T @ se3.exp(random.normal(0, 0.05, 6)) for T in truth])
    moved = se3.exp(twist) @ estimate
    if with_scale:
        moved[:, :3, 3] *= scale
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("truth.txt", "estimate.txt", "moved.txt")]
        for path, poses in zip(paths, (truth, estimate, moved), strict=True):
            tum_rows.write(path, [(i * 10**8, T) for i, T in enumerate(poses)])
        scores = [
            compare_files(path, paths[0], with_scale=with_scale, rpe_frames=1).score
            for path in paths[1:]
        ]
    np.testing.assert_allclose(scores[0].ate_rmse_m, scores[1].ate_rmse_m, rtol=1e-4)
    np.testing.assert_allclose(scores[0].rpe_rmse_m, scores[1].rpe_rmse_m, rtol=1e-4)
    np.testing.assert_allclose(scores[0].rpe_rmse_deg, scores[1].rpe_rmse_deg, rtol=1e-4)
