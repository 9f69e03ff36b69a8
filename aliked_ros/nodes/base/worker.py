"""A thread that works on the newest items and counts the ones that it had to pass over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NewestWorker(Generic[Item]):
    """Runs `work(item)` on its own thread; an item that waits is replaced by one of its place.

    An error ends nothing: `on_error(item, error)` is called and the next item is worked on.
    The subscription callback only calls `put`, so the executor is never blocked.

    Attributes:
        num_replaced: items that were never worked on because a newer one came first.
        num_dropped: items that were never worked on because the thread was stopped.
        is_stopping: whether `stop` was called: nothing that waits will be worked on.
    """

    def __init__(
        self, work: Callable[[Item], None], on_error: Callable[[Item, Exception], None]
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._waiting: dict[Hashable, Item] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.num_replaced = self.num_dropped = 0
        self.is_stopping = True

    def start(self) -> None:
        """Begin to work."""
        if self._thread is None:
            self.is_stopping = False
            self._thread = threading.Thread(target=self._run, name="newest-worker", daemon=True)
            self._thread.start()

    def put(self, item: Item, place: Hashable = None) -> None:
        """Leave an item for the thread; it replaces the one that waits at the same place."""
        with self._changed:
            if self.is_stopping:
                self.num_dropped += 1
                return
            self.num_replaced += self._waiting.pop(place, None) is not None
            self._waiting[place] = item
            self._changed.notify()

    def stop(self) -> None:
        """End the thread after the item that it works on; what waits is dropped."""
        with self._changed:
            self.is_stopping = True
            self.num_dropped += len(self._waiting)
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _take(self) -> list[Item]:
        """Wait for items, and take all that wait; none means stop."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_stopping or bool(self._waiting))
            items = [] if self.is_stopping else list(self._waiting.values())
            self._waiting.clear()
            return items

    def _run(self) -> None:
        while items := self._take():
            self._work_on(items)

    def _work_on(self, items: list[Item]) -> None:
        for item in items:
            try:
                self._work(item)
            except Exception as error:  # one bad frame must not end the node
                self._report(item, error)

    def _report(self, item: Item, error: Exception) -> None:
        """Hand an error over; one that comes while everything shuts down has nobody to go to."""
        with suppress(RuntimeError):
            self._on_error(item, error)


class BatchWorker(NewestWorker[Item]):
    """Works on everything that waits at once.

    Args:
        work: takes the newest item of each place that has one.
        on_error: called with each item of a batch that failed.
    """

    def __init__(
        self, work: Callable[[list[Item]], None], on_error: Callable[[Item, Exception], None]
    ) -> None:
        super().__init__(lambda item: work([item]), on_error)
        self._work_together = work

    def _work_on(self, items: list[Item]) -> None:
        try:
            self._work_together(items)
        except Exception as error:
            for item in items:
                self._report(item, error)
