import numpy as np
import pytest

from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.odometry.consistency import check_motions, judge
from aliked_ros.evaluation.odometry.records import FrameRecord
from aliked_ros.geometry import se3
from aliked_ros.odometry.result import Motion, State


def covariance(generator):
    """Return a covariance (6, 6) of millimetres and a tenth of a degree, correlated."""
    root = generator.normal(size=(6, 6)) * np.array([2e-3] * 3 + [1e-3] * 3)[:, None]
    return root @ root.T


def chain(num, claim=1.0, unit=1.0, seed=0):
    """Return a run whose errors are drawn from what is claimed, and the truth.

    The pose walks, and each image adds noise. The claims are `claim` times the true covariances,
    and the estimate is in units of `unit` metres.
    """
    generator = np.random.default_rng(seed)
    steps = generator.normal(scale=[0.02, 0.01, 0.03, 0.01, 0.02, 0.01], size=(num, 6))
    metres = np.array([1 / unit] * 3 + [1.0] * 3)
    records, T_true, T_walk = [], [], np.eye(4)
    for index, step in enumerate(steps):
        gained, noise = covariance(generator), covariance(generator)
        T_true.append(T_true[-1] @ se3.exp(step) if T_true else np.eye(4))
        T_walk = T_walk @ se3.exp(step) if index else T_walk
        T_walk = T_walk @ se3.exp(draw(generator, gained))
        reported = T_walk @ se3.exp(draw(generator, noise))
        reported[:3, 3] /= unit
        claims = [claim * metres[:, None] * C * metres for C in (noise, gained)]
        records.append(record(index, reported, *claims))
    return records, GroundTruth(stamps(num), np.array(T_true))


def draw(generator, covariance):
    return generator.multivariate_normal(np.zeros(6), covariance, method="svd")


def stamps(num):
    return 10**9 + np.arange(num, dtype=np.int64) * 10**8


def record(index, T_world_camera, noise, gained, state=State.TRACKING):
    stamp_ns = int(stamps(index + 1)[-1])
    return FrameRecord(
        stamp_ns, state, Motion.GENERAL, "", T_world_camera, noise, False, {}, {}, noise, gained
    )


def test_errors_drawn_from_the_claimed_covariance_lie_inside_for_95_percent():
    found = check_motions(*chain(4000))
    assert found.num == 3990
    assert found.num_unclaimed == 0
    for part in (found.whole, found.translation, found.rotation):
        assert part.inside == pytest.approx(0.95, abs=0.02)
        assert part.below == pytest.approx(0.025, abs=0.015)
        assert part.inside + part.below + part.above == pytest.approx(1)
        assert part.mean == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize(("claim", "side"), [(1 / 4, "above"), (4.0, "below")])
def test_a_covariance_that_is_wrong_by_a_factor_of_four_is_found_out(claim, side):
    found = check_motions(*chain(2000, claim=claim)).whole
    assert found.inside < 0.75
    assert getattr(found, side) > 0.25
    assert found.mean == pytest.approx(1 / claim, rel=0.1)


def test_the_unit_of_a_single_camera_does_not_matter():
    metric = check_motions(*chain(300))
    other = check_motions(*chain(300, unit=2.5), scale=2.5)
    assert other.whole.mean == pytest.approx(metric.whole.mean)
    assert other.claimed_m == pytest.approx(metric.claimed_m)
    assert other.error_m == pytest.approx(metric.error_m)


def test_motions_across_a_loss_are_not_judged():
    records, truth = chain(60)
    records[30] = record(30, records[30].T_world_camera, 1e4 * np.eye(6), None, State.LOST)
    found = check_motions(records, truth)
    # 20 motions end before the lost frame, 19 begin after it.
    assert found.num == 20 + 19


def test_without_tracked_frames_there_is_nothing_to_judge():
    records, truth = chain(8)
    assert check_motions(records, truth) is None


def test_errors_of_one_dimension_are_judged_by_its_own_distribution():
    errors = np.array([[0.0], [1.0], [-3.0]])
    found = judge(errors, np.ones((3, 1, 1)))
    assert (found.below, found.inside, found.above) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert found.mean == pytest.approx(10 / 3)
