"""A teacher's matches become partners of other keypoints that lie beside its own."""

import numpy as np
import pytest
import torch
from training_world import draw_photograph

from aliked_ros.datasets import Sequence, open_sequence
from aliked_ros.structs import Features, Matches
from aliked_ros.training.matcher import teacher
from aliked_ros.training.matcher.partners import NONE, UNKNOWN
from aliked_ros.training.matcher.teacher import TaughtPairs, Teacher, carried_over, taught_pairs
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig

SHIFT = torch.tensor([7.0, 3.0])


def points(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def carry(keypoints0, keypoints1, theirs0, theirs1, matches):
    found = carried_over(
        (keypoints0, keypoints1), (theirs0, theirs1), torch.tensor(matches).reshape(-1, 2), 2.0, 5.0
    )
    return [partner.tolist() for partner in found]


def test_a_keypoint_beside_a_match_gets_the_one_beside_its_end():
    theirs0 = points((10, 10), (50, 50), (90, 90))
    own0, own1 = points((51, 49.5), (11, 10)), points((18, 13), (58, 52.5))
    # The offset from the teacher's keypoint goes with it: (51, 49.5) is expected at (58, 52.5).
    found = carry(own0, own1, theirs0, theirs0 + SHIFT, [[0, 0], [1, 1], [2, 2]])
    assert found == [[1, 0], [1, 0]]


def test_what_has_nothing_where_it_is_expected_has_no_partner():
    theirs = points((10, 10), (50, 50))
    assert carry(points((10, 10)), points((60, 60)), theirs, theirs, [[0, 0], [1, 1]]) == [
        [NONE], [UNKNOWN],
    ]  # fmt: skip


def test_between_the_limits_and_far_from_all_matches_nothing_is_said():
    theirs = points((10, 10), (50, 50))
    own0 = points((10, 10), (80, 20))  # the first is expected 3 px from the only other one
    assert carry(own0, points((13, 10)), theirs, theirs, [[0, 0], [1, 1]]) == [
        [UNKNOWN, UNKNOWN], [UNKNOWN],
    ]  # fmt: skip


def test_two_that_expect_the_same_one_are_partners_only_where_it_agrees():
    theirs = points((10, 10))
    found = carry(points((10, 10), (11, 10)), points((11.2, 10)), theirs, theirs, [[0, 0]])
    assert found == [[UNKNOWN, 0], [1]]


@pytest.fixture
def frames(tmp_path):
    """Views of one photograph, each 12 px to the left of the one before it."""
    import cv2

    photograph = draw_photograph(3, 200, 300)
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), photograph[:, 12 * number : 220 + 12 * number])
    return tmp_path


def grid_features(image):
    y, x = np.mgrid[20:180:20, 20:200:12]
    keypoints = torch.from_numpy(np.stack([x.ravel(), y.ravel()], axis=1)).float()
    count = len(keypoints)
    return Features(
        keypoints, torch.ones(count), torch.zeros(count), torch.eye(count), image.shape[:2]
    )


def matches_of_shift(num_columns):
    def match(features0, features1):
        rows = [
            (i, j)
            for i, p in enumerate(features0.keypoints.tolist())
            for j, q in enumerate(features1.keypoints.tolist())
            if q == [p[0] - num_columns, p[1]]
        ]
        return Matches(torch.tensor(rows).reshape(-1, 2), torch.ones(len(rows)))

    return match


def taught(frames, match, opened=None):
    def open_teacher():
        if opened is not None:
            opened.append(1)
        return Teacher(grid_features, match)

    sequence: Sequence = open_sequence(str(frames))
    return TaughtPairs(sequence, (1, 1), open_teacher, lambda image, _: image, 2.0, 5.0)


def test_pairs_of_frames_have_the_teachers_partners(frames):
    opened = []
    source = taught(frames, matches_of_shift(12), opened)
    seen = set()
    for seed in range(6):
        generator = np.random.default_rng(seed)
        (first, second), (partner0, partner1), unreadable = source.draw(generator, grid_features)
        rows = (partner0 >= 0).nonzero().squeeze(1)
        seen.add(len(rows) > 0)
        assert torch.equal(partner1[partner0[rows]], rows)
        steps = second.keypoints[partner0[rows]] - first.keypoints[rows]
        assert torch.equal(steps, torch.tensor([-12.0, 0.0]).expand(len(rows), 2))
        assert not unreadable
    assert seen == {True}
    assert opened == [1]


def test_frames_in_which_the_teacher_finds_nothing_are_an_error_that_says_what_to_do(
    frames, monkeypatch
):
    monkeypatch.setattr(teacher, "_MAX_TRIES", 2)
    source = taught(frames, matches_of_shift(1000))
    with pytest.raises(ValueError, match=r"fewer than 20 matches.*lower max_frames_apart"):
        source.draw(np.random.default_rng(0), grid_features)


def test_a_teacher_without_its_extractor_is_an_error_that_names_the_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("aliked_ros.network.released.RELEASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"taught.*weights of aliked-n16 are not found"):
        teacher.open_released(64)


def test_the_setting_names_the_sequences(frames):
    config = MatcherTrainingConfig(taught=f"{frames}, {frames}", max_frames_apart=2)
    assert len(taught_pairs(config)) == 2
    assert taught_pairs(MatcherTrainingConfig()) == []
