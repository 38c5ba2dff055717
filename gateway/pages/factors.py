"""A person's own second factors: what they have, adding, removing, recovery codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from gateway.identity.factors.factor_notices import KEPT, NoticeCode
from gateway.identity.factors.factor_rows import FactorKind
from gateway.identity.factors.factors import FactorRefused
from gateway.pages.enrolment import (
    MY_FACTORS,
    STALE_FORM,
    Enrolment,
    Place,
    asked_next,
    show_codes,
    with_next,
)
from gateway.pages.local_path import PORTAL
from gateway.pages.page import PageKit, PageRequest, Route, see_other
from gateway.store.schema import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.identity.factors.factor_notices import Notice
    from gateway.identity.signing_in.factor_holder import Holder

FUNCTION = "gate.me"
ADD_APP = f"{MY_FACTORS}/app"
ADD_KEY = f"{MY_FACTORS}/key"
NEW_CODES = f"{MY_FACTORS}/codes"
REMOVE = f"{MY_FACTORS}/remove"
STEP_UP = "/-/step-up"

KINDS = {FactorKind.APP: "Authenticator app", FactorKind.KEY: "Security key or passkey"}

SENTENCES = {
    NoticeCode.ADDED: "A second factor was added: {detail}",
    NoticeCode.REMOVED: "A second factor was removed: {detail}",
    NoticeCode.NEW_CODES: "New recovery codes were made",
    NoticeCode.CODE_USED: "A recovery code was used",
    NoticeCode.CODES_REFUSED: "Five wrong codes were entered",
    NoticeCode.KEY_COPIED: "A security key was refused, as there seems to be a copy of it",
    NoticeCode.RESET_PROPOSED: "{detail} proposed to remove all second factors",
    NoticeCode.RESET_DROPPED: "{detail} took that proposal back",
    NoticeCode.RESET: "All second factors were removed, approved by {detail}",
    NoticeCode.BREAK_GLASS: "It was opened by {detail}",
}


def told(notice: Notice) -> str:
    """Say what happened."""
    return SENTENCES[notice.code].format(detail=notice.detail)


class FactorPages:
    """The pages of one's own second factors."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit
        place = Place(app=ADD_APP, key=ADD_KEY, back=MY_FACTORS, back_text="Your second factors")
        self._enrolment = Enrolment(kit, place)

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""

        def route(rule: str, endpoint: str, view: Callable[..., Response], method: str) -> Route:
            return Route(
                rule=rule, endpoint=endpoint, view=view, methods=(method,), guarded_by=FUNCTION
            )

        return (
            route(MY_FACTORS, "my_factors", self.show, "GET"),
            route(ADD_APP, "add_app", self.show_app, "GET"),
            route(ADD_APP, "add_app_send", self.send_app, "POST"),
            route(ADD_KEY, "add_key", self.show_key, "GET"),
            route(ADD_KEY, "add_key_send", self.send_key, "POST"),
            route(NEW_CODES, "new_codes", self.send_codes, "POST"),
            route(f"{REMOVE}/<factor>", "remove_factor", self.show_remove, "GET"),
            route(f"{REMOVE}/<factor>", "remove_factor_send", self.send_remove, "POST"),
        )

    def show(self) -> Response:
        """List what the person has, and what lately happened to it."""
        page, holder = self._open()
        return self._list(page, holder)

    def show_app(self) -> Response:
        """Show how to add an authenticator app."""
        page, holder = self._open()
        return self._first(page, holder, ADD_APP) or self._enrolment.show_app(page, holder)

    def send_app(self) -> Response:
        """Add an authenticator app."""
        page, holder = self._open()
        return self._first(page, holder, ADD_APP) or self._enrolment.send_app(page, holder)

    def show_key(self) -> Response:
        """Show how to add a security key."""
        page, holder = self._open()
        return self._first(page, holder, ADD_KEY) or self._enrolment.show_key(page, holder)

    def send_key(self) -> Response:
        """Add a security key."""
        page, holder = self._open()
        return self._first(page, holder, ADD_KEY) or self._enrolment.send_key(page, holder)

    def send_codes(self) -> Response:
        """Make new recovery codes and show them."""
        page, holder = self._open()
        if not page.form_is_ours():
            return self._list(page, holder, error=STALE_FORM)
        first = self._first(page, holder, MY_FACTORS)
        if first is not None:
            return first
        codes = self._kit.services.factors.new_codes(holder, visit=page.visit)
        return show_codes(page, codes, PORTAL) if codes else see_other(MY_FACTORS)

    def show_remove(self, factor: str) -> Response:
        """Ask whether a factor is really to be removed."""
        page, holder = self._open()
        return self._confirm(page, holder, factor)

    def send_remove(self, factor: str) -> Response:
        """Remove a factor, once a second factor has been shown."""
        page, holder = self._open()
        if not page.form_is_ours():
            return self._confirm(page, holder, factor, error=STALE_FORM)
        first = self._first(page, holder, f"{REMOVE}/{factor}")
        if first is not None:
            return first
        try:
            self._kit.services.factors.remove(holder, factor, visit=page.visit)
        except FactorRefused:
            return see_other(MY_FACTORS)
        return see_other(MY_FACTORS)

    def _confirm(
        self, page: PageRequest, holder: Holder, factor_id: str, *, error: str = ""
    ) -> Response:
        standing = self._kit.services.factors.standing(holder)
        found = [each for each in standing.factors if each.id == factor_id]
        if not found:
            return see_other(MY_FACTORS)
        first = self._first(page, holder, f"{REMOVE}/{factor_id}")
        if first is not None:
            return first
        return page.respond(
            "factor_remove.html",
            status=400 if error else 200,
            errors=[{"text": error, "href": "#remove"}] if error else [],
            factor=found[0],
            kind=KINDS[found[0].kind],
            last=len(standing.factors) == 1,
            my_factors=MY_FACTORS,
            action=f"{REMOVE}/{factor_id}",
            form_token=page.form_token,
        )

    def _open(self) -> tuple[PageRequest, Holder]:
        page = self._kit.open_request()
        return page, self._kit.services.factors.holder(page.live_session)

    def _first(self, page: PageRequest, holder: Holder, path: str) -> Response | None:
        """Lead to what must come before a change of factors, and from there back."""
        missing = self._kit.services.factors.missing(holder, at=page.at)
        if not missing:
            return None
        here = with_next(path, asked_next())
        if missing == "second-factor":
            return see_other(with_next(STEP_UP, here))
        return see_other(with_next("/-/sign-in", here) + "&again=factor")

    def _list(self, page: PageRequest, holder: Holder, *, error: str = "") -> Response:
        desk = self._kit.services.factors
        standing = desk.standing(holder)
        next_path = asked_next()
        return page.respond(
            "factors.html",
            status=400 if error else 200,
            errors=[{"text": error, "href": "#new-codes"}] if error else [],
            factors=[
                {
                    "id": each.id,
                    "name": each.name,
                    "kind": KINDS[each.kind],
                    "added_at": instant(each.added_at_us),
                    "used_at": None if each.used_at_us is None else instant(each.used_at_us),
                    "remove_url": f"{REMOVE}/{each.id}",
                }
                for each in standing.factors
            ],
            codes_left=standing.codes_left,
            notices=[
                {"at": each.at, "sentence": told(each)}
                for each in desk.notices(holder, at=page.at, within=KEPT)
            ],
            app_url=with_next(ADD_APP, next_path),
            key_url=with_next(ADD_KEY, next_path),
            codes_url=NEW_CODES,
            next=next_path,
            goes_on=next_path != PORTAL,
            form_waits=desk.form_waits(holder, at=page.at) is not None,
            form_token=page.form_token,
        )
