"""What both P of a rectified pair say together."""

from dataclasses import replace

import numpy as np
import pytest

from aliked_ros.geometry.camera import baseline_m, with_principal_point_of
from aliked_ros.structs import Camera

K = np.array([[718.856, 0, 607.19], [0, 718.856, 185.22], [0, 0, 1]])


def camera(tx, **changes):
    P = np.column_stack([K, [tx, 0, 0]])
    for place, value in changes.pop("P", {}).items():
        P[place] = value
    return Camera(1241, 376, K, P=P)


@pytest.mark.parametrize(
    ("left", "right"),
    [(0.0, -386.14), (193.07, -193.07), (45.38, 45.38 - 386.14), (-50.0, -436.14)],
)
def test_the_baseline_is_between_the_cameras_wherever_their_common_frame_is(left, right):
    assert baseline_m(camera(right), camera(left)) == pytest.approx(0.53716, abs=1e-4)


def test_without_a_left_camera_its_frame_is_the_common_one():
    assert baseline_m(camera(-386.14)) == pytest.approx(0.53716, abs=1e-4)


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        (-386.14, -386.14, ["baseline is 0 m", "-386.14 on the left"]),
        (0.0, 386.14, ["baseline is -0.537", "left camera first"]),
        (-386.14, 0.0, ["baseline is -0.537", "left camera first"]),
    ],
)
def test_no_baseline_is_refused_by_name(left, right, words):
    with pytest.raises(ValueError, match="baseline") as caught:
        baseline_m(camera(right), camera(left))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({(0, 0): 700.0}, [r"P\[0\] is 718.856 on the left and 700"]),
        ({(1, 2): 190.0}, [r"P\[6\] is 185.22 on the left and 190"]),
        ({(1, 3): -300.0}, [r"P\[7\]", "0.4173 m above the other"]),
        ({(2, 3): 0.1}, [r"P\[11\] is 0 on the left and 0.1", "behind the other"]),
    ],
)
def test_a_pair_whose_rows_do_not_correspond_is_refused(changes, words):
    for word in words:
        with pytest.raises(ValueError, match=word):
            baseline_m(camera(-386.14, P=changes), camera(0.0))


def test_the_columns_of_a_calibrated_pair_may_differ_a_little_in_height():
    # The colour pair of KITTI, as its projections are in bags that were converted of it.
    left = camera(45.38, P={(1, 3): -0.1131, (2, 3): 0.00378})
    right = camera(-337.29, P={(1, 3): 2.369, (2, 3): 0.004915})
    assert baseline_m(right, left) == pytest.approx(0.5333, abs=1e-4)


def test_a_right_camera_without_p_is_none_of_a_pair():
    with pytest.raises(ValueError, match="P of the right camera is empty"):
        baseline_m(replace(camera(0.0), P=None), camera(0.0))


def test_what_is_far_away_has_no_disparity_whatever_the_principal_points():
    left, right = camera(0.0), camera(-386.14, P={(0, 2): 590.0})
    right = replace(right, K=right.K_rectified)  # its images are rectified
    moved = with_principal_point_of(left, right)
    assert moved.K_rectified[0, 2] == left.K_rectified[0, 2]
    assert moved.is_distorted  # so that its images are shifted
    assert baseline_m(moved, left) == baseline_m(right, left)
    same = camera(-386.14)
    assert with_principal_point_of(left, same) is same
