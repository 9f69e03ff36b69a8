"""A thread that works on the newest item and counts the ones that it had to pass over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NewestWorker(Generic[Item]):
    """Runs `work(item)` on its own thread; an item that still waits is replaced by a newer one.

    An error ends nothing: `on_error(item, error)` is called and the next item is worked on.
    The subscription callback only calls `put`, so the executor is never blocked.

    Attributes:
        num_replaced: items that were never worked on because a newer one came first.
        is_stopping: whether `stop` was called: nothing that waits will be worked on.
    """

    def __init__(
        self, work: Callable[[Item], None], on_error: Callable[[Item, Exception], None]
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._waiting: Item | None = None
        self._changed = threading.Condition()
        self.num_replaced = 0
        self.is_stopping = False
        self._thread = threading.Thread(target=self._run, name="newest-worker", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Leave an item for the thread; it replaces the one that waits."""
        with self._changed:
            self.num_replaced += self._waiting is not None
            self._waiting = item
            self._changed.notify()

    def stop(self) -> None:
        """End the thread after the item that it works on; what waits is dropped."""
        with self._changed:
            self.is_stopping = True
            self._changed.notify()
        self._thread.join()

    def _take(self) -> Item | None:
        """Wait for an item; None means stop."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_stopping or self._waiting is not None)
            item, self._waiting = self._waiting, None
            return None if self.is_stopping else item

    def _run(self) -> None:
        while (item := self._take()) is not None:
            try:
                self._work(item)
            except Exception as error:  # one bad frame must not end the node
                self._report(item, error)

    def _report(self, item: Item, error: Exception) -> None:
        """Hand an error over; one that comes while everything shuts down has nobody to go to."""
        with suppress(RuntimeError):
            self._on_error(item, error)
