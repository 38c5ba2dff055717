"""Exchanges that look at what a system answers before anybody is shown it.

`CheckedExchange` refuses by the head alone and streams the rest. `HeldExchange` keeps the whole
answer, does to it what has to be done (`treatment`), and sends what came of it. Of the answer as
it came nothing else is sent: no field that describes it as it was, no part of it, no coding.

- The system is asked for the whole of it, plainly: no ranges, no conditions, no content coding.
  A coded or partial answer that comes anyway is refused.
- An answer that nothing can be done to is refused; the client meets a page of ours, with the
  system's own status where that says that something went wrong.
- What is held is bounded, for one answer and for all of a worker together.
- What is large is treated on a thread.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from typing_extensions import override

from gateway.backoffice.forward import Exchange
from gateway.backoffice.headers import local_location
from gateway.backoffice.treatment.content_kind import kind_of
from gateway.backoffice.treatment.html_attributes import names_field
from gateway.backoffice.treatment.treat import MOST_BYTES, treat
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from gateway.backoffice.forward import ForwardedVisit, Outbound
    from gateway.backoffice.transport import ExchangeError
    from gateway.backoffice.treatment.content_kind import AnswerKind
    from gateway.backoffice.treatment.treat import Treatment
    from gateway.wire.request_head import RequestHead

MOST_HELD: Final = 128 * 1024 * 1024
"""Bytes of answers that one worker holds at a time."""

_AT_ONCE_BYTES: Final = 16 * 1024  # more is treated on a thread
_FIRST_ERROR: Final = 400
_NO_CONTENT, _NOT_MODIFIED, _PARTIAL = 204, 304, 206
# Of what comes with an answer that was held; a name of a file may say what is masked in it.
_KEPT: Final = frozenset({b"content-language", b"content-disposition", b"allow", b"retry-after"})
_NOT_ASKED: Final = frozenset(
    {b"range", b"if-range", b"if-match", b"if-none-match", b"if-modified-since"}
    | {b"if-unmodified-since", b"last-event-id", b"accept-encoding"}
)


class AnswerDuty(Protocol):
    """What is to be done with the answer of one visit."""

    @property
    def treatment(self) -> Treatment | None:
        """What is done to it; None where its head alone is looked at."""

    def fault(self, fields: list[tuple[bytes, bytes]]) -> str:
        """Say, by its head, why it may not be shown: a fixed word, empty where it may."""
        ...

    def did(self, words: tuple[str, ...]) -> None:
        """Take note of what was done to it."""
        ...


@dataclass(slots=True)
class HeldBytes:
    """How much is held by a worker. On its event loop only."""

    most: int = MOST_HELD
    _now: int = field(default=0)

    def take(self, size: int) -> bool:
        """Make room for so many bytes more, if there is room."""
        if self._now + size > self.most:
            return False
        self._now += size
        return True

    def give_back(self, size: int) -> None:
        """Give room back."""
        self._now -= size


class CheckedExchange(Exchange):
    """Refuses an answer by its head, or streams it."""

    def __init__(
        self,
        duty: AnswerDuty,
        visit: ForwardedVisit,
        outbound: Outbound,
    ) -> None:
        super().__init__(visit, outbound)
        self._duty = duty

    @override
    def on_head(self, status: int, fields: list[tuple[bytes, bytes]], length: int | None) -> None:
        """Look at the head first."""
        fault = self._duty.fault(fields)
        if fault:
            self._abandon(403, fault)
        else:
            super().on_head(status, fields, length)


class HeldExchange(Exchange):
    """Holds an answer, and sends what came of it."""

    def __init__(
        self,
        duty: AnswerDuty,
        room: HeldBytes,
        visit: ForwardedVisit,
        outbound: Outbound,
    ) -> None:
        super().__init__(visit, outbound)
        if duty.treatment is None:
            raise ValueError("held answer: nothing is to be done to it")
        self._duty, self._treatment, self._room = duty, duty.treatment, room
        self._fields: list[tuple[bytes, bytes]] = []
        self._location: bytes | None = None
        self._cookies: list[bytes] = []
        self._body = bytearray()
        self._kind: AnswerKind | None = None  # None where there is no body to show
        self._charset = ""

    @override
    def on_head(self, status: int, fields: list[tuple[bytes, bytes]], length: int | None) -> None:
        """Look at the head, and refuse what could not be treated before its body comes."""
        self._status = status
        fault = self._duty.fault(fields)
        if fault:
            self._abandon(403, fault)
            return
        self._cookies = [value for name, value in fields if name == b"set-cookie"]
        if self._cookies and self._outbound.pass_cookies is not None:
            self._more, self._cookies = self._outbound.pass_cookies(self._cookies), []
        places = {value for name, value in fields if name == b"location"}
        if places:
            self._location = local_location(next(iter(places)), self._outbound.origins)
            if self._location is None or len(places) > 1 or self._tells(self._location):
                self._abandon(502, "upstream-location")
                return
        self._fields = self._kept(fields)
        bodiless = self._incoming.head.method == "HEAD" or status == _NO_CONTENT or length == 0
        try:
            _demand_whole(status, fields)
            if not bodiless and self._location is None:
                types = [value for name, value in fields if name == b"content-type"]
                self._kind, self._charset = kind_of(types)
                self._treatment.demand(self._kind)
                self._demand_size(length or 0)
        except UnfitAnswerError as error:
            self._refuse(error)

    @override
    def on_body(self, piece: bytes) -> None:
        """Hold a piece; what nobody will be shown is not held."""
        if self._kind is None or self.done.done():
            return
        try:
            self._demand_size(len(self._body) + len(piece))
        except UnfitAnswerError as error:
            self._refuse(error)
            return
        if not self._room.take(len(piece)):
            self._abandon(503, "answers-held")
            return
        self._body += piece

    @override
    def on_end(self) -> None:
        """Treat what was held, and send what came of it."""
        self._ended = True
        self._upstream = None
        self._incoming.on_pause = self._incoming.on_resume = None
        if not self.done.done():
            self._storing = asyncio.get_running_loop().create_task(self._send_treated())

    @override
    def on_fail(self, error: ExchangeError) -> None:
        """Nothing has been said yet: the caller refuses."""
        self._settle(error.status, error.code, error)

    # ---- inside ---------------------------------------------------------------------------

    @override
    def _request_head(self, head: RequestHead, host: bytes) -> bytes:
        """Ask for the whole of it, plainly."""
        fields = {name: value for name, value in head.headers.items() if name not in _NOT_ASKED}
        fields[b"accept-encoding"] = b"identity"
        return super()._request_head(replace(head, headers=fields, worked_out={}), host)

    async def _send_treated(self) -> None:
        try:
            body = await self._treated()
            if self._cookies or (self._location is not None and self._outbound.learns()):
                await self._outbound.keep(self._visit.at, self._cookies, self._location)
        except UnfitAnswerError as error:
            self._refuse(error)
            return
        except Exception:  # noqa: BLE001 -- whatever failed, nothing of the answer is sent
            self._abandon(503, "answer-not-treated")
            return
        if self.done.done():
            return
        length = None if self._incoming.head.method == "HEAD" else len(body)
        self._pieces = [self._head(self._status, self._fields, length, self._location)]
        if length:
            self._pieces.append(body)
        self._finish()

    async def _treated(self) -> bytes:
        if self._kind is None:
            return b""
        asked = bytes(self._body), self._kind, self._charset, self._treatment
        if len(self._body) > _AT_ONCE_BYTES:
            treated = await asyncio.get_running_loop().run_in_executor(None, treat, *asked)
        else:
            treated = treat(*asked)
        self._fields.append((b"content-type", treated.content_type))
        self._duty.did(treated.done)
        return treated.body

    def _kept(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in fields if name in _KEPT]
        if self._treatment.mask is None:
            return kept
        return [
            (name, value.partition(b";")[0] if name == b"content-disposition" else value)
            for name, value in kept
        ]

    def _tells(self, location: bytes) -> bool:
        mask = self._treatment.mask
        return mask is not None and names_field(location.decode("ascii"), mask)

    def _demand_size(self, size: int) -> None:
        if self._kind is not None and size > MOST_BYTES[self._kind]:
            raise UnfitAnswerError("answer-too-large")

    def _refuse(self, error: UnfitAnswerError) -> None:
        """Let the caller refuse; a system's own refusal stays one."""
        self._abandon(self._status if self._status >= _FIRST_ERROR else 502, error.code)

    @override
    def _settle(self, status: int, code: str, error: ExchangeError | None = None) -> None:
        self._room.give_back(len(self._body))
        self._body = bytearray()
        super()._settle(status, code, error)


def _demand_whole(status: int, fields: list[tuple[bytes, bytes]]) -> None:
    if status in {_NOT_MODIFIED, _PARTIAL}:
        raise UnfitAnswerError("answer-partial")
    codings = {value.strip().lower() for name, value in fields if name == b"content-encoding"}
    if not codings <= {b"identity"}:
        raise UnfitAnswerError("answer-encoded")
