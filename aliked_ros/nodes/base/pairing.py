"""Messages of several topics -> sets of one instant; none is lost because a partner is missing."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_NUM_REMEMBERED = 200  # sets without a partner whose partner may still come, too late
_HOPELESS_NS = 1_000_000_000  # a partner whose newest stamp is so much older cannot catch up


@dataclass(frozen=True)
class PartnerTopic:
    """A topic that gives each item a partner.

    Attributes:
        name: of the topic, for the reader.
        slop_s: stamps of one instant differ by at most this, s; 0: they are equal.
    """

    name: str
    slop_s: float


@dataclass(frozen=True, eq=False)
class Paired:
    """An item with its partners.

    Attributes:
        item: what was waited for.
        partners: one per topic, in their order; None where there is none.
        missing: why there is none, one clause; empty if all are there.
    """

    item: Any
    partners: tuple[Any, ...]
    missing: str = ""


@dataclass(eq=False)
class _Waiting:
    """An item in the queue."""

    stamp_ns: int
    item: Any
    since_s: float


@dataclass(eq=False)
class _Stream:
    """The newest messages of a partner topic, in the order of arrival."""

    name: str
    slop_ns: int
    queue: OrderedDict[int, Any] = field(default_factory=OrderedDict)
    newest_ns: int | None = None  # stamp of the one that arrived last
    unpaired: deque[tuple[int, float]] = field(
        default_factory=lambda: deque(maxlen=_NUM_REMEMBERED)
    )


class Pairing:
    """Hands items on in their order, each as soon as its partners are there or cannot come.

    A partner cannot come any more when its topic has gone past the item, when it is hopelessly
    behind, or when the item has waited for `wait_s`. Items are handed on all the same, and say what
    is missing. A partner is used once.

    Args:
        topics: where the partners come from.
        wait_s: longest wait of an item, s.
        queue_size: items, and partners of each topic, that wait at most.
        emit: called with each set.
        note: called with what is wrong with the partners though nothing can be done about it.
    """

    def __init__(
        self,
        topics: list[PartnerTopic],
        wait_s: float,
        queue_size: int,
        emit: Callable[[Paired], None],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._streams = [_Stream(topic.name, round(topic.slop_s * 1e9)) for topic in topics]
        self._wait_s = wait_s
        self._queue_size = queue_size
        self._emit = emit
        self._note = note
        self._waiting: deque[_Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def reconfigure(self, slop_s: float, wait_s: float) -> None:
        """Wait otherwise from now on; topics whose stamps must be equal stay so."""
        self._wait_s = wait_s
        for stream in self._streams:
            if stream.slop_ns:
                stream.slop_ns = round(slop_s * 1e9)

    def add(self, item: Any, stamp_ns: int, now_s: float, has_jumped: bool = False) -> None:
        """Take an item.

        Args:
            item: to be paired.
            stamp_ns: of the item.
            now_s: when it arrived.
            has_jumped: whether time has jumped with it: what waits has no partner any more.
        """
        if has_jumped:
            self._give_up()
            for stream in self._streams:
                _forget_other_times(stream, stamp_ns)
        self._waiting.append(_Waiting(stamp_ns, item, now_s))
        while len(self._waiting) > self._queue_size:
            self._hand_on(self._waiting.popleft())
        self.tick(now_s)

    def add_partner(
        self, index: int, message: Any, stamp_ns: int, now_s: float, has_jumped: bool = False
    ) -> None:
        """Take a message of the topic of that index; `has_jumped` as in `add`."""
        stream = self._streams[index]
        if has_jumped:
            stream.queue.clear()
        stream.newest_ns = stamp_ns
        if self._is_late(stream, stamp_ns, now_s):
            return
        stream.queue.pop(stamp_ns, None)
        stream.queue[stamp_ns] = message
        while len(stream.queue) > self._queue_size:
            stream.queue.popitem(
                last=False
            )  # by arrival: a wrong stamp must not outlive right ones
        self.tick(now_s)

    def tick(self, now_s: float) -> None:
        """Hand on what is complete, and what has waited long enough."""
        while self._waiting:
            first = self._waiting[0]
            is_due = now_s - first.since_s >= self._wait_s
            if not is_due and any(
                self._may_come(stream, first.stamp_ns) for stream in self._streams
            ):
                return
            self._hand_on(self._waiting.popleft())

    def clear(self) -> None:
        """Forget all partners; what waits is handed on without."""
        for stream in self._streams:
            stream.queue.clear()
            stream.unpaired.clear()
            stream.newest_ns = None
        self._give_up()

    def _give_up(self) -> None:
        while self._waiting:
            self._hand_on(self._waiting.popleft())

    def _may_come(self, stream: _Stream, stamp_ns: int) -> bool:
        """Return whether the partner of an item is not there but may still come."""
        if _find(stream, stamp_ns) is not None:
            return False
        if stream.newest_ns is None:
            return True
        ahead_ns = stream.newest_ns - stamp_ns
        return -_HOPELESS_NS - round(self._wait_s * 1e9) < ahead_ns <= stream.slop_ns

    def _hand_on(self, waiting: _Waiting) -> None:
        found = [_find(stream, waiting.stamp_ns) for stream in self._streams]
        missing = []
        for stream, key in zip(self._streams, found, strict=True):
            if key is None:
                missing.append(self._explain(stream, waiting.stamp_ns))
                stream.unpaired.append((waiting.stamp_ns, waiting.since_s))
        partners = tuple(
            None if key is None else _take(stream, key)
            for stream, key in zip(self._streams, found, strict=True)
        )
        self._emit(Paired(waiting.item, partners, "; ".join(missing)))

    def _explain(self, stream: _Stream, stamp_ns: int) -> str:
        """Say why an item has no partner on a topic, and what may be done."""
        name, slop_ms = stream.name, stream.slop_ns * 1e-6
        known = [*stream.queue, *([] if stream.newest_ns is None else [stream.newest_ns])]
        if not known:
            return f"nothing has come on {name} yet"
        off_ns = min((ns - stamp_ns for ns in known), key=abs)
        if abs(off_ns) <= stream.slop_ns:
            return f"the message of this instant on {name} was used or came too late"
        text = f"nearest {name} is {_span(abs(off_ns))} off"
        if abs(off_ns) >= _HOPELESS_NS:
            return f"{text}: their clocks differ, or {name} has stopped"
        limit = "stamps must be equal" if slop_ms == 0 else f"sync_slop_s is {slop_ms:g} ms"
        return f"{text}, {limit}"

    def _is_late(self, stream: _Stream, stamp_ns: int, now_s: float) -> bool:
        """Return whether a message belongs to an item that has gone on without it; then say so."""
        for item_ns, since_s in stream.unpaired:
            if abs(item_ns - stamp_ns) <= stream.slop_ns:
                stream.unpaired.remove((item_ns, since_s))
                self._note(
                    f"{stream.name} comes {now_s - since_s:.2f} s after its partner, "
                    f"sync_wait_s is {self._wait_s:g} s"
                )
                return True
        return False


def _find(stream: _Stream, stamp_ns: int) -> int | None:
    """Return the stamp of the partner nearest to an item, or None if none is near enough."""
    nearest = min(stream.queue, key=lambda ns: abs(ns - stamp_ns), default=None)
    if nearest is None or abs(nearest - stamp_ns) > stream.slop_ns:
        return None
    return nearest


def _forget_other_times(stream: _Stream, stamp_ns: int) -> None:
    """Forget the partners of another time than that of an item."""
    for ns in [ns for ns in stream.queue if abs(ns - stamp_ns) > _HOPELESS_NS]:
        del stream.queue[ns]
    if stream.newest_ns is not None and abs(stream.newest_ns - stamp_ns) > _HOPELESS_NS:
        stream.newest_ns = None


def _take(stream: _Stream, key: int) -> Any:
    """Take a partner out of its queue, with everything older than it."""
    message = stream.queue.pop(key)
    for ns in [ns for ns in stream.queue if ns < key]:
        del stream.queue[ns]
    return message


def _span(ns: int) -> str:
    """Return a time as a reader sees it."""
    return f"{ns * 1e-6:.0f} ms" if ns < 1_000_000_000 else f"{ns * 1e-9:.1f} s"
