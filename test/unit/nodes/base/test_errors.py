import cv2
import numpy as np

from aliked_ros.nodes.base.errors import explain


def test_the_assertions_of_opencv_reach_nobody():
    try:
        cv2.cvtColor(np.zeros((0, 0, 3), np.uint8), cv2.COLOR_BGR2RGB)
    except cv2.error as error:
        said = explain(error)
    assert "OpenCV" in said
    assert "Assertion" not in said
    assert ".cpp" not in said


def test_our_own_errors_are_sentences_and_others_say_their_kind():
    assert explain(ValueError("step is 0: give more")) == "step is 0: give more"
    assert explain(ZeroDivisionError("by zero")) == "ZeroDivisionError: by zero"
    assert explain(KeyError()) == "KeyError"
