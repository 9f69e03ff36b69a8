import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.config.nodes import StreamConfig
from aliked_ros.nodes.extractor.pace import Pace

SLOW_S = 0.5


@pytest.fixture
def make(node, diagnostics):
    return lambda max_keypoints=1000, **stream: Pace(
        node, diagnostics, StreamConfig(**stream), max_keypoints
    )


def test_images_above_the_rate_are_not_taken(make):
    pace = make(max_rate_hz=10.0)
    assert [pace.takes(index / 40) for index in range(8)] == [True, *[False] * 3] * 2


def test_slow_images_take_keypoints_away_and_say_so(node, make):
    pace = make(target_rate_hz=10.0, min_keypoints=500)
    for _ in range(5):
        pace.update(SLOW_S)
    assert pace.num_keypoints < 1000
    (text,) = node.said["warning"]
    assert text.startswith(
        f"only {pace.num_keypoints} keypoints are allowed: a frame took 500.0 ms"
    )
    assert text.endswith("target_rate_hz is 10")


def test_fast_images_give_them_back(node, make):
    pace = make(target_rate_hz=10.0, min_keypoints=500)
    for _ in range(5):
        pace.update(SLOW_S)
    for _ in range(100):
        pace.update(0.001)
    assert pace.num_keypoints == 1000
    assert node.said["info"][-1].startswith("again 1000 keypoints are allowed")


def test_a_rate_that_cannot_be_held_is_a_problem(diagnostics, make):
    pace = make(target_rate_hz=10.0, min_keypoints=900)
    for _ in range(20):
        pace.update(SLOW_S)
    status, values = diagnostics.read()
    assert values["keypoints allowed"] == "900"
    assert status.level == status.WARN
    assert status.message.startswith("target_rate_hz cannot be held: 900 keypoints")


def test_a_new_configuration_counts_at_once(make):
    pace = make(target_rate_hz=10.0)
    pace.restart(StreamConfig(), 200)
    assert pace.num_keypoints == 200
    for _ in range(20):
        pace.update(SLOW_S)  # no rate is asked for
    assert pace.num_keypoints == 200
