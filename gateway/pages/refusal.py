"""The page that a person meets when something is refused or does not work.

It says in plain words what was asked for, the one or two reasons that may be told, who can change
it, and a reference that finds the entry. It names no status code, no rule and no other person.

What does not exist and what is not offered get the same page, byte for byte but for the reference.
The front calls `RefusalPages.render` outside Flask, so nothing here needs a request context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.pages.caller import Caller
    from gateway.pages.rendering import Renderer

# Stands in the prepared pages where the reference goes: as long as a reference, in two halves.
_PLACE = ("@@@@@", "#####")
REFERENCE_LENGTH = 10


class TellableReason(Protocol):
    """A reason that the person may be told (`policies.engine.Engine.staff_reasons`)."""

    @property
    def code(self) -> str:
        """The reason's code, for tests and help desks; it is in the page as an attribute."""

    @property
    def sentence(self) -> str:
        """What is so."""

    @property
    def remedy(self) -> str:
        """What the person can do about it."""

    @property
    def whom(self) -> str:
        """Key of the contact to show, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOn:
    """The link at the end of the page."""

    url: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReason:
    """A reason with the contact filled in."""

    code: str
    sentence: str
    remedy: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a kind of refusal says.

    Attributes:
        title: of the window; unlike the heading it is never left out.
        heading: of the page.
        sentences: below the heading.
        whom: key of the contact shown below, unless the reasons name theirs.
        timed: whether the instant is shown. Never on pages that must not differ.
    """

    title: str
    heading: str
    sentences: tuple[str, ...]
    whom: str = "host-help"
    timed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the template shows."""

    title: str
    heading: str
    sentences: tuple[str, ...]
    reference: str
    asked_for: str = ""
    reasons: tuple[ShownReason, ...] = ()
    contact: str = ""
    at: datetime | None = None
    way_on: WayOn


_PORTAL = WayOn(url="/-/portal", text="Go to your services")

_NOT_UNDERSTOOD = Words(
    title="We could not read that request",
    heading="We could not read that request",
    sentences=(
        "Something in the address or the form has more than one meaning, so we did not pass it on.",
        "Go back to your services and start from there.",
    ),
    timed=False,
)
_SIGN_IN_FIRST = Words(
    title="Sign in first",
    heading="Sign in first",
    sentences=(
        "You are not signed in, or your session has ended. What you sent was not passed on.",
    ),
)
_NOT_YOURS = Words(
    title="You cannot open this",
    heading="You cannot open this",
    sentences=(),
    whom="own-organisation",
)
_NOT_THERE = Words(
    title="There is nothing here for you",
    heading="There is nothing here for you",
    sentences=(
        "The address may be wrong, or it may belong to something your organisation does not use.",
        "If you typed the address, check it. If you followed a link, tell whoever gave it to you.",
    ),
    timed=False,
)
_TOO_LARGE = Words(
    title="That is more than we can take",
    heading="That is more than we can take",
    sentences=("What you sent is too large, so none of it was passed on.",),
)
_TOO_MANY = Words(
    title="Please wait a moment",
    heading="Please wait a moment",
    sentences=("Too many requests came at once. Wait a minute, then try again.",),
)
_FAULT = Words(
    title="Something has gone wrong",
    heading="Something has gone wrong",
    sentences=(
        "The fault is ours, not yours. Nothing was passed on.",
        "Try again later. If it happens again, ask for help.",
    ),
)
_NOT_NOW = Words(
    title="This cannot be opened just now",
    heading="This cannot be opened just now",
    sentences=(
        "A part of this service that must be working is not, so we let nothing through.",
        "What you sent was not passed on. Try again in a few minutes.",
    ),
)
_NO_ANSWER = Words(
    title="The system behind this is not answering",
    heading="The system behind this is not answering",
    sentences=(
        "You may open it, but it gave no answer that we could pass on. Try again in a few minutes.",
        "If you were saving something, check first whether it was saved.",
    ),
)
_LATE = Words(
    title="The system behind this is taking too long",
    heading="The system behind this is taking too long",
    sentences=(
        "You may open it, but it did not answer in time. Try again in a few minutes.",
        "If you were saving something, check first whether it was saved.",
    ),
)

_DIRECTORY_AWAY = Words(
    title="Your organisation's directory is away",
    heading="Your organisation's directory is away",
    sentences=(
        "We keep asking it whether you may still use this service, and it has not answered.",
        "Until it does, we let nobody from your organisation go on.",
        "What you sent was not passed on. You need not sign in again: try in a few minutes.",
    ),
    whom="own-organisation",
)

_TOO_OFTEN = Words(
    title="You have used this as often as you may",
    heading="You have used this as often as you may",
    sentences=(
        "How often it may be used in a time is limited. What you sent was not passed on.",
        "Wait a while, then try again.",
    ),
    whom="own-organisation",
)

_CANNOT_LEAD_BACK = Words(
    title="Sign in first",
    heading="Sign in first",
    sentences=(
        "To open this you have to sign in, for the first time or once more.",
        "The address of this page is too long for us to bring you back to it.",
        "Sign in, then go back with your browser's back button, or open the address again.",
    ),
)

_BY_CAUSE: Mapping[str, Words] = {
    "address-too-long": _CANNOT_LEAD_BACK,
    "directory-away": _DIRECTORY_AWAY,
    "rate-exceeded": _TOO_OFTEN,
}

_WORDS: Mapping[int, Words] = {
    400: _NOT_UNDERSTOOD,
    401: _SIGN_IN_FIRST,
    403: _NOT_YOURS,
    404: _NOT_THERE,
    405: _NOT_UNDERSTOOD,
    408: _NOT_UNDERSTOOD,
    411: _NOT_UNDERSTOOD,
    413: _TOO_LARGE,
    414: _NOT_UNDERSTOOD,
    415: _NOT_UNDERSTOOD,
    417: _NOT_UNDERSTOOD,
    421: _NOT_UNDERSTOOD,
    429: _TOO_MANY,
    431: _NOT_UNDERSTOOD,
    500: _FAULT,
    501: _NOT_UNDERSTOOD,
    502: _NO_ANSWER,
    503: _NOT_NOW,
    504: _LATE,
    505: _NOT_UNDERSTOOD,
}


class RefusalPages:
    """Renders refusals. One a worker; any thread or the event loop may call it."""

    def __init__(self, renderer: Renderer, contacts: Mapping[str, str]) -> None:
        """Prepare the pages that differ by their reference only.

        Args:
            renderer: holds the template.
            contacts: whom to ask when the person's organisation is not known.
        """
        self._template = renderer.template("refusal.html")
        self._contacts = dict(contacts)
        self._prepared = {
            status: self._prepare(status) for status, words in _WORDS.items() if not words.timed
        }

    def render(
        self,
        status: int,
        reference: str,
        reasons: Sequence[TellableReason] = (),
        *,
        asked_for: str = "",
        contacts: Mapping[str, str] | None = None,
        at: datetime | None = None,
        caller: Caller | None = None,
        cause: str = "",
        sign_in: str = "",
    ) -> bytes:
        """Render the page of a refusal as UTF-8.

        Args:
            status: HTTP status of the answer; it selects the words and is not shown. One that has
                no words of its own gets those of 500.
            reference: ten Crockford base-32 characters of the visit.
            reasons: those that may be told, the weightiest first; 403 only.
            asked_for: title of the function; 403 only, as elsewhere it would tell that it exists.
            contacts: whom to ask, by key, for this person's organisation.
            at: the instant of the visit, shown where that tells nothing.
            caller: what the frame shows of the signed-in person.
            cause: code of the refusal, where it changes the words.
            sign_in: where one signs in; 401 only.

        Raises:
            ValueError: the reference is not one; it is put into prepared bytes unescaped.
        """
        if len(reference) != REFERENCE_LENGTH or not (reference.isascii() and reference.isalnum()):
            message = "refusal: the reference is not ten characters of base 32"
            raise ValueError(message)
        prepared = self._prepared.get(status)
        if prepared is not None and caller is None:
            return self._splice(prepared, reference)
        words = _BY_CAUSE.get(cause) or _WORDS.get(status, _FAULT)
        known = self._contacts if contacts is None else contacts
        is_403 = words is _NOT_YOURS
        shown = _shown(reasons, known) if is_403 else ()
        refusal = Refusal(
            title=words.title,
            heading=words.heading,
            sentences=words.sentences,
            reference=reference,
            asked_for=asked_for if is_403 else "",
            reasons=shown,
            contact="" if any(reason.contact for reason in shown) else known.get(words.whom, ""),
            at=at if words.timed else None,
            way_on=WayOn(url=sign_in or "/-/sign-in", text="Sign in") if status == 401 else _PORTAL,  # noqa: PLR2004
        )
        return self._fill(refusal, known, caller)

    def _fill(
        self, refusal: Refusal, contacts: Mapping[str, str], caller: Caller | None = None
    ) -> bytes:
        page = self._template.render(
            refusal=refusal, help_contact=contacts.get("own-organisation", ""), caller=caller
        )
        return page.encode()

    def _prepare(self, status: int) -> tuple[bytes, ...]:
        words = _WORDS[status]
        page = self._fill(
            Refusal(
                title=words.title,
                heading=words.heading,
                sentences=words.sentences,
                reference="".join(_PLACE),
                contact=self._contacts.get(words.whom, ""),
                way_on=_PORTAL,
            ),
            self._contacts,
        )
        marked = page.replace("".join(_PLACE).encode(), b"\0W")
        marked = marked.replace(_PLACE[0].encode(), b"\0L").replace(_PLACE[1].encode(), b"\0R")
        return tuple(marked.split(b"\0"))

    @staticmethod
    def _splice(parts: tuple[bytes, ...], reference: str) -> bytes:
        whole = reference.encode("ascii")
        values = {b"W": whole, b"L": whole[:5], b"R": whole[5:]}
        return parts[0] + b"".join(values[part[:1]] + part[1:] for part in parts[1:])


def _shown(
    reasons: Sequence[TellableReason], contacts: Mapping[str, str]
) -> tuple[ShownReason, ...]:
    shown: list[ShownReason] = []
    last = ""
    for reason in reasons:
        contact = contacts.get(reason.whom, "")
        shown.append(
            ShownReason(
                code=str(reason.code),
                sentence=reason.sentence,
                remedy=reason.remedy,
                # The same contact twice running would be noise.
                contact="" if contact == last else contact,
            )
        )
        last = contact or last
    return tuple(shown)
