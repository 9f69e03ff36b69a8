import os
import signal
import threading

import pytest

from aliked_ros.interruption import interruption


def _press():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_ctrl_c_is_noted_and_the_second_raises():
    before = signal.getsignal(signal.SIGINT)
    with interruption() as asked:
        assert not asked.is_asked
        _press()
        assert asked.is_asked
        with pytest.raises(KeyboardInterrupt):
            _press()
    assert signal.getsignal(signal.SIGINT) is before


def test_afterwards_ctrl_c_raises_as_usual():
    with interruption() as asked:
        pass
    with pytest.raises(KeyboardInterrupt):
        _press()
    assert not asked.is_asked


def test_one_interruption_does_not_count_for_the_next():
    with interruption() as first:
        _press()
    with interruption() as second:
        assert first.is_asked
        assert not second.is_asked


def test_a_thread_may_train_without_it():
    found = []

    def work():
        with interruption() as asked:
            found.append(asked.is_asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
