from dataclasses import replace

import numpy as np
import pytest

from aliked_ros.geometry.calibration import CalibrationFields, make_camera
from aliked_ros.geometry.plausibility import implausible, implausible_pair

K = [525.0, 0, 320, 0, 525, 240, 0, 0, 1]


def projection(K, tx=0.0):
    return [K[0], 0, K[2], tx, 0, K[4], K[5], 0, 0, 0, 1, 0]


FIELDS = CalibrationFields(640, 480, K, "plumb_bob", [0.0] * 5, P=projection(K))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ()),
        ({"K": [525.0, 0, 800, 0, 525, 240, 0, 0, 1]}, ["(800.0, 240.0)", "outside", "resolution"]),
        ({"P": projection([262.5, 0, 160, 0, 262.5, 120])}, ["0.50 times", "resolution"]),
        ({"P": projection([400.0, 0, 318, 0, 400.0, 242])}, ()),  # undistorted with a margin
        ({"K": [525.0, 0, 320, 0, 1050, 240, 0, 0, 1]}, ["525.0 and 1050.0", "square"]),
        ({"D": [-0.7, 0, 0, 0, 0]}, ["cannot be inverted in", "of the image"]),
    ],
)
def test_what_is_strange_is_said_with_what_to_check(changes, words):
    changes = {"P": None} | changes if "K" in changes else changes
    said = implausible(make_camera(replace(FIELDS, **changes), (640, 480)))
    assert bool(said) == bool(words), said
    assert all(word in " ".join(said) for word in words), said


@pytest.mark.parametrize(
    ("baseline_m", "words"),
    [(0.12, ()), (120.0, ["120 m apart", "P[3]", "metres"]), (0.0001, ["0.0001 m apart"])],
)
def test_a_baseline_in_another_unit_is_said(baseline_m, words):
    camera = make_camera(FIELDS)
    right = make_camera(replace(FIELDS, P=projection(K, -525 * baseline_m)))
    said = implausible_pair(right, camera)
    assert bool(said) == bool(words)
    assert all(word in " ".join(said) for word in words), said


def test_a_transform_between_cameras_in_another_unit_is_said():
    camera, T = make_camera(FIELDS), np.eye(4)
    T[0, 3] = 0.11
    assert implausible_pair(camera, camera, T) == []
    T[0, 3] = 110.0
    assert "110 m apart" in implausible_pair(camera, camera, T)[0]


def test_a_pair_that_is_none_is_left_to_who_uses_it():
    camera = make_camera(FIELDS)
    assert implausible_pair(camera, camera) == []
