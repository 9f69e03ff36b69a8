import threading
import time

import pytest

from aliked_ros.nodes.base.worker import BatchWorker, NewestWorker

TIMEOUT_S = 5.0


def wait_until(condition, what):
    """Fail with what was waited for instead of hanging."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {TIMEOUT_S:.0f} s in vain for {what}")
        time.sleep(0.001)


@pytest.fixture
def busy():
    """A worker that is in the middle of an item until `go_on` is set; `done` holds its results."""
    started, go_on, done = threading.Event(), threading.Event(), []

    def work(item):
        started.set()
        go_on.wait(TIMEOUT_S)
        done.append(item)

    worker = NewestWorker(work, on_error=print)
    worker.start()
    worker.put("in work")
    assert started.wait(TIMEOUT_S)
    yield worker, go_on, done
    go_on.set()
    worker.stop()


def test_only_the_newest_waiting_item_is_worked_on_and_the_rest_is_counted(busy):
    worker, go_on, done = busy
    for item in (1, 2, 3):
        worker.put(item)
    go_on.set()
    wait_until(lambda: len(done) == 2, "two items")
    worker.stop()
    assert done == ["in work", 3]
    assert worker.num_replaced == 2


def test_an_error_is_reported_and_the_next_item_is_worked_on():
    errors, done = [], []

    def work(item):
        if item == "bad":
            raise ValueError(item)
        done.append(item)

    worker = NewestWorker(work, on_error=lambda *pair: errors.append(pair))
    worker.start()
    worker.put("bad")
    wait_until(lambda: errors, "the error")
    worker.put("good")
    wait_until(lambda: done, "the next item")
    worker.stop()
    assert [(item, str(error)) for item, error in errors] == [("bad", "bad")]
    assert done == ["good"]


def test_an_error_of_the_one_who_is_told_about_errors_ends_nothing():
    done = []

    def work(item):
        done.append(item)
        if item == 1:
            raise ValueError

    def on_error(*_):
        raise RuntimeError("the publisher is gone")

    worker = NewestWorker(work, on_error)
    worker.start()
    for item in (1, 2):
        worker.put(item)
        wait_until(lambda item=item: done[-1:] == [item], f"item {item}")
    worker.stop()


def test_stop_drops_what_waits(busy):
    worker, go_on, done = busy
    worker.put("waiting")
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    wait_until(lambda: worker.is_stopping, "the worker to hear of the end")
    go_on.set()
    stopper.join(TIMEOUT_S)
    assert not stopper.is_alive()
    assert done == ["in work"]


def test_the_newest_item_of_each_place_is_worked_on_and_all_of_them_together():
    started, go_on, batches = threading.Event(), threading.Event(), []

    def work(items):
        started.set()
        go_on.wait(TIMEOUT_S)
        batches.append(items)

    worker = BatchWorker(work, on_error=print)
    worker.start()
    worker.put("in work")
    assert started.wait(TIMEOUT_S)
    for item, place in (("f1", "front"), ("r1", "rear"), ("f2", "front")):
        worker.put(item, place)
    go_on.set()
    wait_until(lambda: len(batches) == 2, "two batches")
    worker.stop()
    assert batches == [["in work"], ["r1", "f2"]]
    assert worker.num_replaced == 1


def test_every_item_of_a_batch_that_fails_is_reported_and_the_next_is_worked_on():
    errors, done = [], []

    def work(items):
        if "bad" in items:
            raise ValueError("bad")
        done.extend(items)

    worker = BatchWorker(work, on_error=lambda item, _: errors.append(item))
    worker.start()
    worker.put("bad")
    wait_until(lambda: errors, "the error")
    worker.put("good")
    wait_until(lambda: done, "the next item")
    worker.stop()
    assert (errors, done) == (["bad"], ["good"])
