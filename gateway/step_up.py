"""Leading who lacks nothing but a fresh second factor or a purpose to where they give it, and back.

Only a browser that opens a page is led; a program is refused with the reason. What a person had
filled in is kept for them first (`identity.factors.kept_forms`): afterwards they send it with one
press, and it is decided and recorded anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote

from gateway.identity.factors.kept_forms import FORM_BYTES, PURPOSE, SECOND_FACTOR, KeptForm
from gateway.system_hosts import CONTINUE, can_be_led_back
from policies.function import GATEWAY_SYSTEM
from policies.reasons import Reason

if TYPE_CHECKING:
    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.identity.factors.kept_forms import KeptForms
    from gateway.system_hosts import SystemHost
    from gateway.visit import Visit
    from policies.decision import Decision
    from policies.question import Question

STEP_UP: Final = "/-/step-up"
PURPOSE_PAGE: Final = "/-/purpose"
_WAITS_FOR: Final = {
    Reason.SECOND_FACTOR_NEEDED: SECOND_FACTOR,
    Reason.PURPOSE_NEEDED: PURPOSE,
}
_MOST_FIELDS: Final = 2_000
_FORM_TYPE: Final = b"application/x-www-form-urlencoded"


class StepUp:
    """Leads whoever lacks nothing but a fresh second factor. One a worker."""

    def __init__(self, forms: KeptForms) -> None:
        """Keep what people had filled in here."""
        self._forms = forms

    async def address(self, visit: Visit, question: Question, decision: Decision) -> bytes:
        """Give where the browser is led; empty where the visit is refused as any other.

        Args:
            visit: the visit; a form of it has been read, and given back to it.
            question: what was asked.
            decision: the denial, which has been recorded.
        """
        waits_for = _WAITS_FOR.get(decision.reason)
        if waits_for is None:
            return b""
        mode = visit.incoming.head.headers.get(b"sec-fetch-mode", b"navigate")
        if visit.target is None or mode != b"navigate" or not _takes_pages(visit):
            return b""
        if visit.method in {"GET", "HEAD"}:
            sent = visit.target.sent.decode("ascii")
            back = can_be_led_back(sent, visit.target.host)
            return _led(visit.target, decision) if back else b""
        # The gateway's own forms carry a token of the session that is about to change.
        if visit.method != "POST" or question.function.system == GATEWAY_SYSTEM:
            return b""
        kept = await self._keep(visit, question.function.title, waits_for)
        return _led(visit.target, decision, waiting=True) if kept else b""

    async def _keep(self, visit: Visit, title: str, waits_for: str) -> bool:
        """Keep the form, if it is one that a page of ours can send again exactly as it was."""
        head = visit.incoming.head
        if visit.live is None or visit.target is None:
            return False
        if not head.headers.get(b"content-type", b"").strip().lower().startswith(_FORM_TYPE):
            return False
        body = await visit.incoming.read_body(FORM_BYTES)
        fields = None if body is None else form_fields(body)
        if fields is None:
            return False
        target = visit.target.sent.decode("ascii")
        host = visit.target.host
        form = KeptForm(
            target=target,
            title=title,
            fields=fields,
            waits_for=waits_for,
            system="" if host is None else host.system,
        )
        session, at = visit.live.session.hash, visit.at
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, lambda: self._forms.keep(session, form, at=at))
        return True


def form_fields(body: bytes) -> tuple[tuple[str, str], ...] | None:
    """Read a form into fields that a page can send again; None where it would send others.

    A browser sends no field without a name, and no control character but tab and line end.
    """
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        return None
    for name, value in fields:
        if not name or any(each < " " and each not in "\t\r\n" for each in name + value):
            return None
    return tuple(fields)


def _led(target: CanonicalTarget, decision: Decision, *, waiting: bool = False) -> bytes:
    """Give the page of the gateway that asks, and leads back to where a form waits or to `target`.

    From a system's own host it is elsewhere, and leads back to that host.
    """
    host, to = target.host, CONTINUE if waiting else target.sent.decode("ascii")
    if host is not None:
        to = host.way_back(to)
    next_page = f"next={quote(to, safe='/')}"
    asked = decision.obligations.purpose
    if decision.reason is Reason.SECOND_FACTOR_NEEDED or asked is None:
        return _at(host, f"{STEP_UP}?{next_page}")
    # Who changes the codes is asked again: what counts is decided when they come back.
    codes, words = quote(",".join(sorted(asked.codes)), safe=","), "&text=1" if asked.text else ""
    function = quote(decision.function_id, safe="")
    return _at(host, f"{PURPOSE_PAGE}?for={function}&codes={codes}{words}&{next_page}")


def _at(host: SystemHost | None, page: str) -> bytes:
    return (page if host is None else host.at_main(page)).encode("ascii")


def _takes_pages(visit: Visit) -> bool:
    accept = visit.incoming.head.headers.get(b"accept", b"")
    return b"text/html" in accept or not accept
