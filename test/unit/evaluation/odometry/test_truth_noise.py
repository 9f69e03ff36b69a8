from aliked_ros.datasets.door import LAYOUTS, SYNTHETIC
from aliked_ros.evaluation.odometry.truth_noise import TRUTH_NOISE, statements


def test_statements_are_about_layouts_that_exist():
    assert set(TRUTH_NOISE) <= {*LAYOUTS, SYNTHETIC}


def test_every_sequence_gets_a_statement_even_if_nothing_is_known():
    room, board = statements({"room0": "synthetic", "board": "images"})
    assert room == "Ground truth of room0: exact."
    assert "not known" in board
