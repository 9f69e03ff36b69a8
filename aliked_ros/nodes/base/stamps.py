"""Which stamps are believed: one far from its neighbours is not, several that agree are."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Protocol

DISORDER_S = 1.0  # a step back below this is a message out of order, not another time
AGREEING = 3  # stamps that must agree before a time far from the last one is believed
OUT_OF_ORDER = "stamp out of order"
_NUM_RECENT = 20  # steps between stamps that tell what is usual
_USUAL_STEPS = 10  # a gap up to this many usual steps is a gap, whatever the arrival says
_SLACK_S = 0.5


class Stamp(Protocol):
    """A stamp of a message."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Verdict:
    """What becomes of a stamp.

    Attributes:
        stamp_ns: nanoseconds.
        cause: what is wrong with it in a few words, as it is counted; empty if it is believed.
        refusal: the same in one sentence, with the value.
        jump_s: how far time has jumped with it, s, against what its arrival says; 0: not at all.
    """

    stamp_ns: int
    cause: str = ""
    refusal: str = ""
    jump_s: float = 0.0


class StampGuard:
    """Judges the stamps of one stream, in the order in which its messages arrive.

    A step forward is believed if the message took that long to arrive, or if such steps are usual;
    a step back below DISORDER_S is disorder. Everything else waits until AGREEING stamps in a row
    agree: then time has jumped.
    """

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None  # stamp (ns) and arrival of the last believed
        self._steps_s: deque[float] = deque(maxlen=_NUM_RECENT)
        self._doubtful: list[int] = []  # stamps far from the last one that agree so far

    def check(self, stamp: Stamp, now_s: float) -> Verdict:
        """Judge the stamp of the next message.

        Args:
            stamp: of the message.
            now_s: when it arrived, by a clock that never jumps.
        """
        stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        if stamp.sec < 0 or stamp.nanosec >= 1_000_000_000:
            text = f"its stamp is sec {stamp.sec}, nanosec {stamp.nanosec}, which is no time"
            return Verdict(stamp_ns, "broken stamp", text)
        if stamp_ns == 0:
            text = (
                "its stamp is 0: the driver does not stamp its messages; mend the driver, or set "
                "the parameter stamps to 'arrival'"
            )
            return Verdict(0, "stamp of zero", text)
        if self._last is None:
            return self._believe(stamp_ns, now_s)
        step_s = (stamp_ns - self._last[0]) * 1e-9
        if step_s <= 0 and self._goes_on(stamp_ns):
            return self._doubt(stamp_ns, step_s, now_s)
        if -DISORDER_S < step_s <= 0:
            return self._disorder(stamp_ns, step_s)
        if 0 < step_s <= self._usual_s(now_s - self._last[1]):
            self._steps_s.append(step_s)
            return self._believe(stamp_ns, now_s)
        return self._doubt(stamp_ns, step_s, now_s)

    def _usual_s(self, waited_s: float) -> float:
        """Return the largest step forward that is believed at once."""
        if len(self._steps_s) < 2:
            return float("inf")  # nothing is usual yet
        return max(self._gap_s(), 2 * waited_s + _SLACK_S)

    def _gap_s(self) -> float:
        """Return the largest step forward that is a gap in a stream like this."""
        usual_s = median(self._steps_s) if self._steps_s else 0.0  # numpy's takes ten times as long
        return max(1.0, _USUAL_STEPS * usual_s)

    def _believe(self, stamp_ns: int, now_s: float, jump_s: float = 0.0) -> Verdict:
        self._last = stamp_ns, now_s
        self._doubtful.clear()
        return Verdict(stamp_ns, jump_s=jump_s)

    def _disorder(self, stamp_ns: int, step_s: float) -> Verdict:
        if step_s == 0:
            text = (
                "its stamp is that of the message before: mend the driver, or set the parameter "
                "stamps to 'arrival'"
            )
            return Verdict(stamp_ns, "repeated stamp", text)
        text = f"its stamp is {-step_s * 1e3:.0f} ms before that of the message before"
        return Verdict(stamp_ns, OUT_OF_ORDER, text)

    def _goes_on(self, stamp_ns: int) -> bool:
        """Return whether a stamp follows those that are doubted so far."""
        if not self._doubtful:
            return False
        return 0 < (stamp_ns - self._doubtful[-1]) * 1e-9 <= self._gap_s()

    def _doubt(self, stamp_ns: int, step_s: float, now_s: float) -> Verdict:
        """Wait for others that agree with a stamp far from the last one."""
        if not self._goes_on(stamp_ns):
            self._doubtful.clear()
        self._doubtful.append(stamp_ns)
        if len(self._doubtful) >= AGREEING:
            self._steps_s.clear()
            return self._believe(stamp_ns, now_s, jump_s=step_s)
        text = (
            f"its stamp is {stamp_ns * 1e-9:.3f} s, {abs(step_s):.1f} s "
            f"{'after' if step_s > 0 else 'before'} that of the message before: believed only if "
            f"{AGREEING} in a row agree; check the clock of the driver"
        )
        return Verdict(stamp_ns, "stamp far from its neighbours", text)
