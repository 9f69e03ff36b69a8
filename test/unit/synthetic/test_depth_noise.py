import numpy as np
import pytest

from aliked_ros.synthetic.depth_noise import KINECT_NOISE, add_depth_noise


def noise_of(depth_m, seed=0):
    """Return the noise of 1 / depth, 1/m, in images of a plane."""
    plane = np.full((240, 320), depth_m, np.float32)
    noisy = add_depth_noise(plane, KINECT_NOISE, np.random.default_rng(seed))
    assert noisy.dtype == np.float32
    assert noisy.shape == plane.shape
    return 1 / noisy.astype(np.float64) - 1 / depth_m


@pytest.mark.parametrize("depth_m", [1.0, 4.0])
def test_the_inverse_depth_has_the_same_noise_at_every_depth(depth_m):
    noise = np.concatenate([noise_of(depth_m, seed).ravel() for seed in range(8)])
    assert np.std(noise) == pytest.approx(KINECT_NOISE, rel=0.03)
    assert abs(np.mean(noise)) < 0.1 * KINECT_NOISE


def test_neighbours_share_their_noise_and_distant_pixels_do_not():
    noise = noise_of(2.0)
    near = np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]
    far = np.corrcoef(noise[:, :-9].ravel(), noise[:, 9:].ravel())[0, 1]
    assert near == pytest.approx(8 / 9, abs=0.02)
    assert abs(far) < 0.1


def test_depth_that_is_not_known_or_drowns_in_noise_is_not_known():
    depth_m = np.full((40, 40), 1e6, np.float32)
    depth_m[:20] = np.nan
    noisy = add_depth_noise(depth_m, KINECT_NOISE, np.random.default_rng(0))
    assert np.isnan(noisy[:20]).all()
    assert 0 < np.isfinite(noisy[20:]).mean() < 1
    assert (noisy[np.isfinite(noisy)] > 0).all()
