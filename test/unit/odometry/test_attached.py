"""Keypoints that stand still in the image while the world moves past."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from point_world import CAMERA, FRAME_NS, room, sideways
from torch.nn import functional as F

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.odometry import State, VisualOdometry
from aliked_ros.odometry.attached import AttachedPoints
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.result import TrackedPairs

NUM_ATTACHED = 40


class Text:
    """Keypoints that are burnt into the image, in front of what else there is to see."""

    def __init__(self):
        generator = np.random.default_rng(1)
        self.keypoints = torch.from_numpy(generator.uniform([20, 20], [300, 60], (NUM_ATTACHED, 2)))
        descriptors = torch.from_numpy(generator.normal(size=(NUM_ATTACHED, 64)))
        self.descriptors = F.normalize(descriptors.float(), dim=1)

    def over(self, features, depths_m, num_left=None):
        """Draw it over the features of an image, of which so many are left."""
        parts = [
            (self.keypoints.float(), features.keypoints[:num_left]),
            (torch.ones(NUM_ATTACHED), features.scores[:num_left]),
            (torch.zeros(NUM_ATTACHED), features.dispersity[:num_left]),
            (self.descriptors, features.descriptors[:num_left]),
        ]
        joined = [torch.cat(part) for part in parts]
        there = replace(
            features,
            keypoints=joined[0],
            scores=joined[1],
            dispersity=joined[2],
            descriptors=joined[3],
        )
        # The depth camera sees the world there.
        return there, np.concatenate([np.full(NUM_ATTACHED, 5.0), depths_m[:num_left]])


def follow(sensor, path, num_left):
    """Return the results; num_left says how much of the world an image shows."""
    world, text = room(count=800), Text()
    odometry = VisualOdometry(
        OdometryConfig(sensor=sensor), MatcherConfig(min_similarity=0.9), CAMERA
    )
    results = []
    for number, T in enumerate(path):
        features, depths_m = text.over(*world.see(T), num_left(number))
        depths_m = depths_m if sensor == "rgbd" else None
        results.append(odometry.process((number + 1) * FRAME_NS, features, depths_m))
    return results


@pytest.mark.parametrize("sensor", ["rgbd", "mono"])
def test_text_in_the_image_alone_is_no_place_to_track(sensor):
    path = sideways(40, step_m=0.2)
    results = follow(sensor, path, lambda number: 5 if number > 30 else None)
    assert results[29].state is State.TRACKING
    assert NUM_ATTACHED <= results[29].num_attached < 1.2 * NUM_ATTACHED  # the world behind it
    assert {one.state for one in results[31:]} <= {State.PREDICTED, State.LOST}


def test_a_camera_that_rests_has_nothing_attached():
    results = follow("rgbd", [np.eye(4)] * 20, lambda _: None)
    assert all(one.state is State.TRACKING for one in results)
    assert all(one.num_attached == 0 for one in results)


def pairs(steps_px):
    """Pairs whose keypoints stand in a row, 20 px apart, and moved to the right."""
    num = len(steps_px)
    current = np.column_stack([20.0 * np.arange(num), np.full(num, 50.0)]).astype(np.float32)
    before = current - np.column_stack([steps_px, np.zeros(num)]).astype(np.float32)
    index = np.column_stack([np.arange(num)] * 2)
    return TrackedPairs(
        0, index, before, current, np.ones(num, np.float32), np.zeros(num, np.uint64),
        np.ones(num, np.uint32), np.ones(num, np.bool_),
    )  # fmt: skip


def hidden(attached):
    features, depths_m = room().see(np.eye(4))
    current = pairs(np.zeros(6)).keypoints_current
    features = replace(
        features, keypoints=torch.from_numpy(current), scores=torch.ones(6),
        dispersity=torch.zeros(6), descriptors=features.descriptors[:6],
    )  # fmt: skip
    view, num = attached.hide(make_view(0, features, CAMERA, depths_m[:6], 0.01))
    is_hidden = np.isnan(view.pixels).all(axis=1)
    assert num == is_hidden.sum()
    assert (np.isnan(view.xy).all(axis=1) == is_hidden).all()
    assert (np.isnan(view.inverse_depth) == is_hidden).all()
    return np.flatnonzero(is_hidden).tolist()


@pytest.mark.parametrize(
    ("steps_px", "off_px", "expected"),
    [
        ([9, 9, 9, 9, 9, 0], [0, 0, 0, 0, 0, 9], [5]),
        ([9, 9, 9, 9, 9, 0], [0, 0, 0, 0, 0, 1], []),  # far ahead
        ([9, 9, 9, 9, 9, 4], [0, 0, 0, 0, 0, 9], []),  # something else that moves
        ([1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 9], []),  # the camera hardly moves
        ([9, 9, 0, 0, 0, 0], [0, 0, 9, 9, 9, 9], []),  # which of them is the world?
    ],
)
def test_what_counts(steps_px, off_px, expected):
    attached = AttachedPoints()
    for _ in range(4):
        attached.observe(pairs(np.array(steps_px, float)), np.array(off_px, float))
    assert hidden(attached) == []
    attached.observe(pairs(np.array(steps_px, float)), np.array(off_px, float))
    assert hidden(attached) == expected


def test_what_is_gone_is_forgotten():
    attached = AttachedPoints()
    for _ in range(50):
        # What is hidden has no place that could agree.
        attached.observe(pairs(np.array([9.0, 9, 9, 9, 9, 0])), np.array([0.0] * 5 + [np.nan]))
    assert hidden(attached) == [5]
    for _ in range(20):
        attached.observe(pairs(np.full(5, 9.0)), np.zeros(5))
    assert hidden(attached) == []
