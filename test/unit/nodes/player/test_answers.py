import threading

from aliked_ros.nodes.player.answers import Answers


def test_a_frame_without_a_status_is_unanswered():
    answers = Answers()
    answers.sent(10)
    answers.sent(20)
    answers.answered(10)
    answers.pose_received(10)
    report = answers.report()
    assert (report["sent"], report["answered"], report["unanswered"]) == (2, 1, 1)
    assert report["odometry"] == 1
    assert report["latency_median_ms"] > 0


def test_answers_to_frames_of_others_do_not_count():
    answers = Answers()
    answers.sent(10)
    answers.answered(99)
    answers.pose_received(99)
    report = answers.report()
    assert report["answered"] == 0
    assert report["latency_median_ms"] is None


def test_waiting_ends_with_the_status_of_that_frame():
    answers = Answers()
    answers.sent(10)
    assert not answers.wait_for(10, timeout_s=0.01)
    threading.Timer(0.05, answers.answered, [10]).start()
    assert answers.wait_for(10, timeout_s=5.0)
