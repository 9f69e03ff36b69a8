import numpy as np
import pytest
from both_ways import BOTH

from aliked_ros.geometry import se3
from aliked_ros.geometry.visibility import expected_places

K = np.array([[500.0, 0, 320], [0, 510.0, 240], [0, 0, 1]])
SIZE = (480, 640)


def world(seed=0, num=500):
    generator = np.random.default_rng(seed)
    points = generator.uniform(-8, 8, (num, 3))
    direction = generator.normal(size=(num, 3))
    return points, direction / np.linalg.norm(direction, axis=1, keepdims=True)


@BOTH
def test_what_is_expected_lies_in_the_image_and_was_looked_at_from_this_side(with_compiled):
    points, direction = world()
    numbers = np.random.default_rng(1).permutation(len(points))[:400]
    T = se3.exp(np.array([0.5, -0.2, 1.0, 0.3, -0.4, 0.2]))
    expected, places = expected_places(
        points, direction, numbers, T, K, SIZE, 0.5, with_compiled=with_compiled
    )
    wanted, where = [], []
    centre = se3.inverse(T)[:3, 3]
    for number in numbers:
        x, y, z = T[:3, :3] @ points[number] + T[:3, 3]
        u, v = K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]
        look = points[number] - centre
        cosine = look @ direction[number] / np.linalg.norm(look)
        if z > 0 and 0 <= u < 640 and 0 <= v < 480 and cosine > 0.5:
            wanted.append(number)
            where.append((u, v))
    assert 5 < len(wanted) < 200
    np.testing.assert_array_equal(expected, wanted)
    np.testing.assert_allclose(places, where, atol=1e-9)


@BOTH
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_point_that_is_nowhere_is_not_expected(with_compiled, bad):
    points, direction = (
        np.array([[0.0, 0, 5], [0, 0, bad], [bad, 0, 5]]),
        np.tile([0, 0, 1.0], (3, 1)),
    )
    with np.errstate(invalid="ignore"):
        expected, _ = expected_places(
            points, direction, np.arange(3), np.eye(4), K, SIZE, 0.5, with_compiled=with_compiled
        )
    assert expected.tolist() == [0]


@BOTH
def test_no_points_are_asked_for(with_compiled):
    points, direction = world(num=3)
    expected, places = expected_places(
        points, direction, np.zeros(0, np.int64), np.eye(4), K, SIZE, 0.5,
        with_compiled=with_compiled,
    )  # fmt: skip
    assert expected.shape == (0,)
    assert places.shape == (0, 2)
