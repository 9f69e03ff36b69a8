"""Files that are whole at any time, also where the disk is full or the process ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class RowFile:
    """Writes rows, each on disk at once; one that does not fit is taken back.

    Args:
        path: of the file, which starts anew.

    Attributes:
        num_rows: that are on disk.

    Raises:
        OSError: naming the file, if it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OSError(f"cannot write {path}: {error.strerror}") from error
        self._size = 0
        self.num_rows = 0

    def write(self, row: str) -> None:
        """Write a row without its end of line.

        Raises:
            OSError: naming the file, if the row could not be written whole.
        """
        data = f"{row}\n".encode()
        try:
            written = os.write(self._file, data)
            while written < len(data):  # raises where the disk is full
                written += os.write(self._file, data[written:])
        except OSError as error:
            with suppress(OSError):  # no file but a device, which has no size
                os.ftruncate(self._file, self._size)
            raise OSError(
                f"cannot write {self._path}: {error.strerror}; its {self.num_rows} rows are whole"
            ) from error
        self._size += len(data)
        self.num_rows += 1

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        OSError: naming the file.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error.strerror}") from error
