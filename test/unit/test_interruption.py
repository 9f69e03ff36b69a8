import os
import signal
import subprocess
import sys
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["argparse", "numpy", "torch.nn", "cv2", "aliked_ros.extractor"])
def test_a_signal_during_the_start_ends_silently(tmp_path, number, module):
    # Python tells on its error channel what it has imported so far.
    command = [sys.executable, "-X", "importtime", "-m", "aliked_ros", "track", "synthetic"]
    command += ["--weights", "seed:0", "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for line in process.stderr:
            if line.decode().split("|")[-1].strip() == module:
                process.send_signal(number)
                break
        out, rest = process.communicate(timeout=60)
    said = [line for line in rest.splitlines() if not line.startswith(b"import time:")]
    assert (process.returncode, out, said) == (128 + number, b"", [])


def test_sigterm_is_noted_like_ctrl_c():
    with interruption() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (asked.is_asked, asked.exit_code) == (True, 143)
