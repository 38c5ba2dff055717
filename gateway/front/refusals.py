"""The refusals the front writes: a page for a person, a small JSON document for a program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import orjson

from gateway.backoffice.accounts import NO_ACCOUNT
from gateway.backoffice.shares import PERSON_SHARE
from gateway.entrance.inside import UNREAD
from gateway.front.open_routes import is_called_by_machines
from gateway.front.sign_on import SIGN_ON_OVER
from gateway.pace import PERSON_RATE, SOURCE_RATE
from gateway.pages.page_headers import NO_STORE, page_headers
from gateway.wire.answers import Answer, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from gateway.identity.sessions.live_session import LiveSession
    from gateway.pages.caller import Caller
    from gateway.pages.refusal import RefusalPages, TellableReason
    from gateway.visit import Visit
    from policies.telling import StaffReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReason:
    """Why a person who is permitted something meets a refusal all the same; see `StaffReason`."""

    code: str
    sentence: str
    remedy: str
    whom: str


# 499 is told to nobody: the client is gone.
_UNREADABLE: Final = frozenset({400, 405, 408, 411, 414, 415, 417, 431, 499, 505})
_TOO_FAST: Final = {
    SOURCE_RATE: "Too many requests came from your network. Wait a moment, then try again.",
    PERSON_RATE: "Too many requests came from you. Wait a moment, then try again.",
    PERSON_SHARE: "Much of what you asked for is still running. Wait until some of it has ended.",
}
_NO_ACCOUNT: Final = AccountReason(
    code=NO_ACCOUNT,
    sentence="You may open this, but you have no account in the system behind it.",
    remedy="Ask whoever looks after that system to give you one, or to enter yours in its table.",
    whom="host-help",
)


_TOLD: Final = MappingProxyType(
    {
        NO_ACCOUNT: (_NO_ACCOUNT,),
        SIGN_ON_OVER: (
            AccountReason(
                code=SIGN_ON_OVER,
                sentence="This was begun in another browser, was used already, or took too long.",
                remedy="Open the page again. If it happens again, allow this site to set cookies.",
                whom="host-help",
            ),
        ),
    }
)


class FrontRefusals:
    """Writes refusals. One a worker."""

    def __init__(
        self,
        *,
        pages: RefusalPages,
        contacts: Callable[[str | None], Mapping[str, str]],
        caller: Callable[[LiveSession, bytes, datetime], Caller],
        origins: Sequence[str] = (),
    ) -> None:
        """Hold the pages.

        Args:
            pages: renders the page of a refusal.
            contacts: whom to ask, by organisation.
            caller: says what the frame shows of whoever is signed in.
            origins: ours, where there are several.
        """
        self._caller = caller
        self._pages = pages
        self._contacts = contacts
        fields = (*page_headers(origins), NO_STORE)
        self._fields = tuple((name.encode(), value.encode()) for name, value in fields)

    def answer(
        self,
        visit: Visit,
        status: int,
        *,
        reasons: tuple[StaffReason, ...] = (),
        asked_for: str = "",
        cause: str = "",
        sign_in: bytes = b"",
    ) -> Answer:
        """Give the refusal of a visit; `sign_in` is where its page leads whoever should."""
        told: Sequence[TellableReason] = _TOLD.get(cause, reasons)
        if visit.target is not None and is_called_by_machines(visit.target.path):
            return self._json(visit, status, told)
        if cause in _TOO_FAST:  # whoever floods us is not worth a page
            visit.wait_seconds = visit.wait_seconds or 1
            return _beside(plain(status, _TOO_FAST[cause], visit.reference), visit)
        if status in _UNREADABLE:
            return _beside(plain(status, UNREAD, visit.reference), visit)
        headers = visit.incoming.head.headers
        accept = headers.get(b"accept", b"")
        if b"json" in accept and b"text/html" not in accept:
            return self._json(visit, status, told)
        live = visit.live
        subject = live.subject if live else None
        cookies = headers.get(b"cookie", b"")
        body = self._pages.render(
            status,
            visit.reference,
            told,
            asked_for=asked_for,
            contacts=self._contacts(subject.organisation if subject else None),
            at=visit.at,
            caller=None if live is None else self._caller(live, cookies, visit.at),
            cause=cause,
            sign_in=sign_in.decode("ascii"),
        )
        return self._whole(status, b"text/html; charset=utf-8", body, visit)

    def _json(self, visit: Visit, status: int, reasons: Sequence[TellableReason]) -> Answer:
        shown = [
            {"code": str(each.code), "sentence": each.sentence, "remedy": each.remedy}
            for each in reasons
        ]
        document: dict[str, object] = {"refused": True, "reference": visit.reference}
        if status in {403, 429}:
            document["reasons"] = shown
        return self._whole(status, b"application/json", orjson.dumps(document), visit)

    def _whole(self, status: int, content_type: bytes, body: bytes, visit: Visit) -> Answer:
        reference = b"Gateway-Reference", visit.reference.encode("ascii")
        fields = ((b"Content-Type", content_type), *self._fields, reference)
        return _beside(Answer(status=status, fields=fields, body=body), visit)


def _beside(answer: Answer, visit: Visit) -> Answer:
    """Say what is said of it besides, and after how many seconds to try again (RFC 9110 10.2.3)."""
    fields = visit.told_fields
    if visit.wait_seconds:
        fields += ((b"Retry-After", b"%d" % visit.wait_seconds),)
    return replace(answer, fields=(*answer.fields, *fields)) if fields else answer
