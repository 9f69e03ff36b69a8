"""Where a window is adjusted: at once, or beside the frames on a thread of its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult


class AtOnce:
    """Adjusts in `start`: frames wait, and a run repeats exactly."""

    is_busy = False

    def __init__(self) -> None:
        self._result: BundleResult | None = None

    def start(self, problem: BundleProblem) -> None:
        """Adjust."""
        self._result = adjust_bundle(problem)

    def take(self) -> BundleResult | None:
        """Return the result, once."""
        result, self._result = self._result, None
        return result


class InBackground:
    """Adjusts on a thread of its own: no frame waits."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bundle_adjustment")
        self._future: Future[BundleResult] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the thread is at work."""
        return self._future is not None and not self._future.done()

    def start(self, problem: BundleProblem) -> None:
        """Hand a problem to the thread."""
        self._future = self._thread.submit(adjust_bundle, problem)

    def take(self) -> BundleResult | None:
        """Return the result, once, when it is there."""
        if self._future is None or not self._future.done():
            return None
        future, self._future = self._future, None
        return future.result()
