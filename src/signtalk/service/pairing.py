"""The socket of `/v1/pair`: what one device of a pair tells the other. docs/protocol.md has the messages.

socket --PairSocket.run--> Pairs, and the other device's socket

Landmarks, texts and states pass, each in a known form and of a bounded size; nothing of them is kept.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Literal

from fastapi import WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from signtalk.errors import ClipError
from signtalk.landmarks.wire import decode_frames
from signtalk.service.errors import RefusedError, refusal_of
from signtalk.service.pairs import Pair, PairRole, Pairs, Seat
from signtalk.service.schemas import MOST_LINE, MOST_LINES, MOST_NAME, MOST_TEXT
from signtalk.service.settings import ServiceSettings
from signtalk.service.sockets import GOING_AWAY, Allowance, TalkingSocket

MOST_STANDING = 5
"""Sentences that stand on the patient's screen at a time."""
_MOST_CHARACTERS = 65_536
_MESSAGES_A_SECOND = 20
_ENDED = 1000


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Open(_Message):
    """A device that shows a code."""

    type: Literal["open"]


class _Join(_Message):
    """A device on which the code was typed."""

    type: Literal["join"]
    code: str = Field(max_length=MOST_NAME)


class _Back(_Message):
    """A device that was lost."""

    type: Literal["back"]
    token: str = Field(max_length=MOST_NAME)


class _State(_Message):
    """What goes on at the patient's screen."""

    type: Literal["state"]
    state: str = Field(max_length=MOST_NAME)


class _Standing(_Message):
    """What stands on the patient's screen: a question, what was said or tapped, or nothing."""

    type: Literal["standing"]
    kind: str = Field(max_length=MOST_NAME)
    words: list[Annotated[str, Field(max_length=MOST_LINE)]] = Field(max_length=MOST_STANDING)


class _Line(_Message):
    who: PairRole
    words: str = Field(max_length=MOST_LINE)
    how: str = Field(max_length=MOST_NAME)
    at: float = Field(ge=0, lt=1e15)


class _Talk(_Message):
    """The last lines of the talk, as the patient's device has them."""

    type: Literal["talk"]
    lines: list[_Line] = Field(max_length=MOST_LINES)


class _Show(_Message):
    """What staff shows to the patient."""

    type: Literal["show"]
    words: str = Field(min_length=1, max_length=MOST_TEXT)
    sentence_id: str = Field(max_length=MOST_NAME)


class _End(_Message):
    type: Literal["end"]


class _Ping(_Message):
    type: Literal["ping"]


_First = TypeAdapter[_Open | _Join | _Back](Annotated[_Open | _Join | _Back, Field(discriminator="type")])
_Next = TypeAdapter[_State | _Standing | _Talk | _Show | _End | _Ping](
    Annotated[_State | _Standing | _Talk | _Show | _End | _Ping, Field(discriminator="type")]
)
_SENT_BY: dict[type[_Message], PairRole] = {_State: "patient", _Standing: "patient", _Talk: "patient", _Show: "staff"}


class PairSocket:
    """One device.

    Args:
        socket: that was accepted.
        pairs: of the service.
        settings: bounds.
        address: of the device, whose wrong codes are counted.
    """

    def __init__(self, socket: TalkingSocket, pairs: Pairs, settings: ServiceSettings, address: str) -> None:
        self._socket, self._pairs, self._settings, self._address = socket, pairs, settings, address
        self._frames = Allowance(settings.max_frames_a_second)
        self._messages = Allowance(_MESSAGES_A_SECOND)
        self._pair: Pair | None = None
        self._seat: Seat | None = None

    async def run(self) -> None:
        """Serve it until it closes, is silent, or the pair ends."""
        try:
            pair, seat = await self._enter()
            while not await self._is_over(pair):
                await self._take(pair, seat, await self._received())
        except WebSocketDisconnect:
            pass
        except RefusedError as error:
            await self._leave()  # first: a device that is silent may not read what it is refused for
            await self._socket.refuse(error)
        except Exception as error:  # noqa: BLE001 - told without its words, as an answer of HTTP would be
            await self._leave()
            await self._socket.refuse(refusal_of(error))
        finally:
            await self._leave()
            await self._socket.close(_ENDED)

    async def stop(self) -> None:
        """The service stops."""
        await self._socket.close(GOING_AWAY)

    async def _enter(self) -> tuple[Pair, Seat]:
        hello_s = self._settings.hello_timeout_s
        first = _read(_First, await self._socket.received(hello_s, hello_s), "open, join or back")
        if isinstance(first, _Open):
            pair, seat = self._pairs.open()
        elif isinstance(first, _Join):
            pair, seat = self._pairs.join(first.code, self._address)
        else:
            pair, seat = self._pairs.back(first.token)
        before, seat.device = seat.device, self  # at once: another one may come meanwhile
        self._pair, self._seat = pair, seat
        if before is not None:  # the same device again, before its old socket was missed
            await before.replaced()
        if pair.code:
            told = {"type": "code", "code": pair.code, "seconds": max(0.0, pair.until_s - self._pairs.clock())}
            await self._socket.send({**told, "token": seat.token})
            return pair, seat
        for each, other in ((seat, pair.partner(seat)), (pair.partner(seat), seat)):
            if each is not None:
                here = other is not None and other.device is not None
                await self._tell(each, {"type": "paired", "role": each.role, "token": each.token, "here": here})
        await self._tell_here(seat)
        return pair, seat

    async def replaced(self) -> None:
        """Another socket stands for this device now."""
        self._seat = None
        with contextlib.suppress(WebSocketDisconnect):  # a copied tab must not come back by itself
            await self._socket.send({"type": "ended", "cause": "ended"})
        await self._socket.close(_ENDED)

    async def _tell_here(self, seat: Seat) -> None:
        """Tell who has come whether the other one is there; that one sees it by `paired`."""
        partner = self._pair.partner(seat) if self._pair else None
        if partner is not None and partner.device is None:
            await self._socket.send({"type": "partner", "here": False})

    async def _received(self) -> str | bytes:
        silent_s = self._settings.pair_silent_s
        return await self._socket.received(silent_s, silent_s)

    async def _take(self, pair: Pair, seat: Seat, message: str | bytes) -> None:
        partner = pair.partner(seat)
        if isinstance(message, bytes):
            await self._pass_frames(seat, partner, message)
            return
        if not self._messages.take(1):
            raise RefusedError(429, f"more than {_MESSAGES_A_SECOND} messages a second", "too_many_messages", 1)
        parsed = _read(_Next, message, "state, standing, talk, show, end or ping")
        if isinstance(parsed, _Ping):
            await self._socket.send({"type": "pong"})
        elif isinstance(parsed, _End):
            await self._end(pair, "ended")
        elif _SENT_BY[type(parsed)] != seat.role:
            raise RefusedError(400, f"the {seat.role}'s device does not send {parsed.type}", "bad_message")
        else:
            await self._tell(partner, parsed.model_dump(mode="json"))

    async def _pass_frames(self, seat: Seat, partner: Seat | None, message: bytes) -> None:
        if seat.role != "patient":
            raise RefusedError(400, "landmarks come from the patient's device", "bad_message")
        try:
            count = len(decode_frames(message))
        except ClipError as error:
            raise RefusedError(400, str(error), "bad_clip") from error
        if count > self._settings.max_frames_a_message or not self._frames.take(count):
            raise RefusedError(429, "too many frames; send fewer", "too_many_frames", 1)
        await self._tell(partner, message)

    async def _tell(self, seat: Seat | None, message: dict[str, Any] | bytes) -> None:
        """Tell a device, where it is there; one that does not read is lost."""
        device = seat.device if seat else None
        if device is not None and message:
            with contextlib.suppress(WebSocketDisconnect):
                await device.send(message)

    async def send(self, message: dict[str, Any] | bytes) -> None:
        """Send what the other device tells."""
        await self._socket.send(message)

    async def _is_over(self, pair: Pair) -> bool:
        if not pair.ended and self._pairs.is_old(pair):
            await self._end(pair, "expired" if pair.code else "lost")
        return pair.ended

    async def _end(self, pair: Pair, cause: str) -> None:
        self._pairs.end(pair)
        for seat in tuple(pair.seats.values()):
            await self._tell(seat, {"type": "ended", "cause": cause})
            if seat.device not in (None, self):
                await seat.device.close()

    async def close(self) -> None:
        """The pair has ended."""
        await self._socket.close(_ENDED)

    async def _leave(self) -> None:
        """The other device is told, where this one may come back."""
        pair, seat = self._pair, self._seat
        if pair is None or seat is None or seat.device is not self:
            return
        seat.device, seat.lost_s = None, self._pairs.clock()
        if not pair.ended:
            await self._tell(pair.partner(seat), {"type": "partner", "here": False})


def _read(adapter: TypeAdapter[Any], message: str | bytes, expected: str) -> Any:
    if isinstance(message, bytes) or len(message) > _MOST_CHARACTERS:
        raise RefusedError(400, f"expected JSON with one of {expected} as 'type'", "bad_message")
    try:
        return adapter.validate_json(message)
    except ValidationError as error:
        raise RefusedError(
            400, f"expected one of {expected}, in the form of docs/protocol.md", "bad_message"
        ) from error
