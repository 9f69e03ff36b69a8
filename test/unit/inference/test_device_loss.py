"""When a GPU counts as lost: after several frames in a row to which it gave no answer."""

import pytest

from aliked_ros.inference.device_loss import DeviceLostError, DeviceWatch

ERROR = RuntimeError("an illegal memory access")


def test_errors_of_a_device_that_answers_pass():
    watch = DeviceWatch(lambda: True)
    for _ in range(10):
        watch.failed(ERROR, object())


def test_the_third_silence_in_a_row_is_a_loss_and_says_what_to_do():
    watch = DeviceWatch(lambda: False)
    for _ in range(2):
        watch.failed(ERROR, object())
    with pytest.raises(DeviceLostError, match=r"start this process again.*illegal memory") as lost:
        watch.failed(ERROR, object())
    assert lost.value.__cause__ is ERROR


@pytest.mark.parametrize("break_silence", ["a frame", "an answer"])
def test_silences_count_in_a_row_only(break_silence):
    answers = False
    watch = DeviceWatch(lambda: answers)
    for _ in range(2):
        watch.failed(ERROR, object())
    if break_silence == "a frame":
        watch.worked()
    else:
        answers = True
        watch.failed(ERROR, object())
        answers = False
    for _ in range(2):
        watch.failed(ERROR, object())
    with pytest.raises(DeviceLostError):
        watch.failed(ERROR, object())
