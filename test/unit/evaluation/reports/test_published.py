from aliked_ros.evaluation.reports.published import is_papers_protocol

PAIRS = [f"v_{number} 1-2" for number in range(540)]


def test_papers_figures_stand_beside_ours_for_the_papers_protocol_only():
    assert is_papers_protocol(PAIRS, 5000, 0.2, "opencv")
    assert not is_papers_protocol(PAIRS[1:], 5000, 0.2, "opencv")
    assert not is_papers_protocol(["graf 1-2", *PAIRS[1:]], 5000, 0.2, "opencv")
    assert not is_papers_protocol(PAIRS, 2048, 0.2, "opencv")
    assert not is_papers_protocol(PAIRS, 5000, 0.1, "opencv")
    assert not is_papers_protocol(PAIRS, 5000, 0.2, "poselib")
