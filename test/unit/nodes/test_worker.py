import threading

from aliked_ros.nodes.worker import NewestWorker


def test_only_the_newest_waiting_item_is_worked_on_and_the_rest_is_counted():
    started, go_on, done = threading.Event(), threading.Event(), []

    def work(item):
        started.set()
        go_on.wait(5)
        done.append(item)

    worker = NewestWorker(work, on_error=print)
    worker.put(0)
    assert started.wait(5)
    for item in (1, 2, 3):
        worker.put(item)
    go_on.set()
    while len(done) < 2:
        pass
    worker.stop()
    assert done == [0, 3]
    assert worker.num_replaced == 2


def test_an_error_is_reported_and_the_next_item_is_worked_on():
    errors, done, finished = [], [], threading.Event()

    def work(item):
        if item == "bad":
            raise ValueError(item)
        done.append(item)
        finished.set()

    failed = threading.Event()
    worker = NewestWorker(work, on_error=lambda *pair: (errors.append(pair), failed.set()))
    worker.put("bad")
    assert failed.wait(5)
    worker.put("good")
    assert finished.wait(5)
    worker.stop()
    assert [(item, str(error)) for item, error in errors] == [("bad", "bad")]
    assert done == ["good"]


def test_stop_drops_what_waits():
    started, go_on, done = threading.Event(), threading.Event(), []

    def work(item):
        started.set()
        go_on.wait(5)
        done.append(item)

    worker = NewestWorker(work, on_error=print)
    worker.put("in work")
    assert started.wait(5)
    worker.put("waiting")
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    while not worker._stopped:
        pass
    go_on.set()
    stopper.join(5)
    assert done == ["in work"]
