"""Items on their way to the process that shows them: arrays and texts, without pickles."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("<Q")

# Name -> what `page.py` shows under it; numbers and texts are arrays without axes.
Item = dict[str, NDArray[Any]]


def write_item(stream: IO[bytes], item: Mapping[str, object]) -> None:
    """Write an item: its length in bytes, then what numpy.savez makes of it.

    The two ends may have different releases of numpy; this form is the same for all of them.
    """
    data = io.BytesIO()
    np.savez(data, **{name: np.asarray(value) for name, value in item.items()})
    stream.write(_LENGTH.pack(data.tell()))
    stream.write(data.getbuffer())
    stream.flush()


def read_item(stream: IO[bytes]) -> Item | None:
    """Return the next item, or None when the other end has closed the stream."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    data = stream.read(length)
    if len(data) < length:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
