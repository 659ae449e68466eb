"""Two devices that belong together for one talk: codes, tries, tokens, and who is there. In memory alone.

    open -> code and token --join--> a token for the other device; back: a device that was lost, by its token

Nothing here waits or sends: `pairing` moves the messages.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from signtalk.service.errors import RefusedError
from signtalk.service.settings import ServiceSettings

PairRole = Literal["patient", "staff"]
_CODE_DIGITS = 6
_TRIES_OVER_S = 60.0
_UNCLAIMED_S = 10.0
"""A code whose device has gone is soon free for others; a page that is loaded anew comes back within that time."""
_MOST_TRIES_OF_ALL = 10
"""Times the tries of one address, of all addresses together: many addresses guess no faster."""
_NO_CODE = "no device shows this code; it may be old: show a new one"


@dataclass(eq=False)
class Seat:
    """One device of a pair.

    Attributes:
        role: whose screen it is.
        token: by which it comes back.
        device: what its messages go to; None = it is not there.
        lost_s: since when it is not there.
    """

    role: PairRole
    token: str
    device: Any = None
    lost_s: float = 0.0


@dataclass(eq=False)
class Pair:
    """Two devices, or one that shows a code.

    Attributes:
        code: that the other device gives; "" = both are known.
        until_s: until when the code is good.
        seats: by role.
        ended: whether somebody ended it.
    """

    code: str
    until_s: float
    seats: dict[PairRole, Seat] = field(default_factory=dict)
    ended: bool = False

    def partner(self, seat: Seat) -> Seat | None:
        """The other device, where it is known."""
        return self.seats.get("staff" if seat.role == "patient" else "patient")


class Pairs:
    """All pairs of a service.

    Args:
        settings: bounds.
        clock: seconds that only grow.
    """

    def __init__(self, settings: ServiceSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self.clock = settings, clock
        self._pairs: set[Pair] = set()
        self._wrong: deque[tuple[float, str]] = deque()  # seconds and address of wrong codes

    def __len__(self) -> int:
        return len(self._pairs)

    def open(self) -> tuple[Pair, Seat]:
        """A new pair whose patient's device shows a code.

        Raises:
            RefusedError: there are too many.
        """
        self._drop_old()
        if len(self._pairs) >= self._settings.max_pairs:
            raise RefusedError(503, "too many devices are paired; try again later")
        codes = {pair.code for pair in self._pairs}
        code = next(each for each in iter(_new_code, "") if each not in codes)
        pair = Pair(code, self.clock() + self._settings.pair_code_s)
        self._pairs.add(pair)
        return pair, self._seat(pair, "patient")

    def join(self, code: str, address: str) -> tuple[Pair, Seat]:
        """The pair whose code that is; the code is used up.

        Raises:
            RefusedError: no such code, or too many wrong ones were tried.
        """
        self._drop_old()
        of_one = sum(each == address for _, each in self._wrong)
        most = self._settings.max_pair_tries
        if of_one >= most or len(self._wrong) >= most * _MOST_TRIES_OF_ALL:
            raise RefusedError(429, "too many wrong codes; wait a minute, then try again", "too_many_tries", 60)
        pair = next((each for each in self._pairs if each.code and _same(each.code, code)), None)
        if pair is None:
            self._wrong.append((self.clock(), address))
            raise RefusedError(404, _NO_CODE, "no_code")
        pair.code = ""
        return pair, self._seat(pair, "staff")

    def back(self, token: str) -> tuple[Pair, Seat]:
        """The place of a device that was lost.

        Raises:
            RefusedError: the pair has ended.
        """
        self._drop_old()
        for pair in self._pairs:
            for seat in pair.seats.values():
                if _same(seat.token, token):
                    return pair, seat
        raise RefusedError(404, "these devices are no longer paired", "not_paired")

    def end(self, pair: Pair) -> None:
        """Both devices are free again."""
        pair.ended, pair.code = True, ""
        self._pairs.discard(pair)

    def is_old(self, pair: Pair) -> bool:
        """Whether its code went unused, or one of its devices was lost for too long."""
        now = self.clock()
        if pair.code and now > pair.until_s:
            return True
        lost_s = [seat.lost_s for seat in pair.seats.values() if seat.device is None]
        most_s = min(_UNCLAIMED_S, self._settings.pair_lost_s) if pair.code else self._settings.pair_lost_s
        return bool(lost_s) and now - min(lost_s) > most_s

    def _seat(self, pair: Pair, role: PairRole) -> Seat:
        seat = pair.seats[role] = Seat(role, secrets.token_urlsafe(24), lost_s=self.clock())
        return seat

    def _drop_old(self) -> None:
        for pair in [each for each in self._pairs if self.is_old(each)]:
            self.end(pair)
        while self._wrong and self.clock() - self._wrong[0][0] > _TRIES_OVER_S:
            self._wrong.popleft()


def _new_code() -> str:
    return f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"


def _same(one: str, other: str) -> bool:
    """Compared in constant time, and as bytes: what was typed may be anything."""
    return secrets.compare_digest(one.encode(), other.encode("utf-8", "replace"))
