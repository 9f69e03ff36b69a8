"""A GPU that no longer answers: telling it from an error that passes."""

from __future__ import annotations

from collections.abc import Callable

EXIT_DEVICE_LOST = 70  # exit code of a process that ends because of it

_IN_A_ROW = 3  # frames

_unfreed: list[object] = []


class DeviceLostError(RuntimeError):
    """The GPU cannot be used any more by this process; only a new process can."""


class DeviceWatch:
    """Decides after an error whether the device is lost.

    An error on a GPU may pass (no memory) or stay (a crashed kernel, a card that fell off the bus):
    then everything fails until the process ends.

    Args:
        answers: returns whether the device still computes.
    """

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._num_silent = 0

    def worked(self) -> None:
        """Take note that a frame came through."""
        self._num_silent = 0

    def failed(self, error: RuntimeError, in_use: object) -> None:
        """Take note of an error.

        Args:
            error: what came of a frame.
            in_use: memory of that frame. It is kept for good where the device does not answer,
                because torch ends the process when it cannot free what two streams have used.

        Raises:
            DeviceLostError: if the device has not answered after several frames in a row.
        """
        if self._answers():
            self._num_silent = 0
            return
        _unfreed.append(in_use)
        self._num_silent += 1
        if self._num_silent >= _IN_A_ROW:
            raise DeviceLostError(
                f"the GPU does not answer any more, after {self._num_silent} frames that failed; "
                f"start this process again. The last error: {error}"
            ) from error
