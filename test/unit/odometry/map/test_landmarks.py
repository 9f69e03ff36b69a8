import numpy as np

from aliked_ros.odometry.map.landmarks import NONE, Landmarks


def add(landmarks, num, born, seed=0):
    generator = np.random.default_rng(seed)
    rows = (
        generator.normal(size=(num, 3)),
        generator.normal(size=(num, 3, 3)),
        generator.normal(size=(num, 8)).astype(np.float32),
        generator.normal(size=(num, 3)),
    )
    return landmarks.add(*rows, born), rows


def test_a_table_that_grows_keeps_its_rows():
    landmarks, given = Landmarks(8), []
    for born in range(5):
        numbers, rows = add(landmarks, 700, born, seed=born)
        np.testing.assert_array_equal(numbers, np.arange(700 * born, 700 * (born + 1)))
        given.append(rows)
    assert len(landmarks) == 3500
    points, covariances, descriptors, directions = (
        np.concatenate(column) for column in zip(*given, strict=True)
    )
    np.testing.assert_array_equal(landmarks.points_world, points)
    np.testing.assert_array_equal(landmarks.covariance, covariances)
    np.testing.assert_array_equal(landmarks.descriptors, descriptors)
    np.testing.assert_array_equal(landmarks.direction, directions)
    np.testing.assert_array_equal(landmarks.born, np.repeat(np.arange(5), 700))
    assert landmarks.is_alive.all()
    assert (landmarks.num_expected == 1).all()
    assert (landmarks.num_found == 1).all()


def test_columns_may_be_written_to():
    landmarks = Landmarks(8)
    numbers, _ = add(landmarks, 5, 0)
    landmarks.num_found[numbers[2:]] += 3
    landmarks.points_world[1] = 7
    np.testing.assert_array_equal(landmarks.num_found, [1, 1, 4, 4, 4])
    np.testing.assert_array_equal(landmarks.points_world[1], [7, 7, 7])


def test_compacting_keeps_the_living_and_tells_their_new_numbers():
    landmarks = Landmarks(8)
    _, (points, *_) = add(landmarks, 6, 0)
    landmarks.is_alive[[0, 3]] = False
    label = landmarks.compact()
    np.testing.assert_array_equal(label, [NONE, 0, 1, NONE, 2, 3, NONE])
    assert label[NONE] == NONE
    np.testing.assert_array_equal(landmarks.points_world, points[[1, 2, 4, 5]])
    numbers, _ = add(landmarks, 2, 9)
    np.testing.assert_array_equal(numbers, [4, 5])
    np.testing.assert_array_equal(landmarks.born, [0, 0, 0, 0, 9, 9])


def test_an_empty_table_has_columns_of_no_rows_and_can_be_compacted():
    landmarks = Landmarks(8)
    assert landmarks.descriptors.shape == (0, 8)
    np.testing.assert_array_equal(landmarks.compact(), [NONE])
