"""A page that was opened under one function cannot post as another, in whichever worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.audit.entry import Outcome
from gateway.backoffice.kept_transactions import KeptTransactions
from gateway.store.engine import writing
from policies.catalogue import Catalogue
from policies.engine import Engine
from policies.transactions import LearntFrom
from tests.gateway.identity.parts import AT
from tests.gateway.stand import SAME, Stand, stand, status_of

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from gateway.visit import Grant, Visit
    from tests.gateway.pages.world import World

PAGE = "/OA_HTML/OA.jsp"
SIT = f"{PAGE}?OAFunc=XX_SIT"
ABSENCE = f"{PAGE}?OAFunc=HR_LOA_SS"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class Pages:
    """A gate with the declarations of interests, and absences beside them, bound to their pages."""

    def __init__(self, gate: Stand) -> None:
        self.gate = gate
        self.token = gate.firefighter()
        live = gate.parts.cache.load(self.token, at=AT)
        assert live is not None
        self.session = live.session.hash
        self.kept = KeptTransactions(gate.parts.store)

    def open(self, number: str, function: str = "hr.sit", session: str = "") -> None:
        """Have the back office open a page, as another worker learnt it."""
        self.kept.bind(session or self.session, "ebs", number, function, at=AT)

    async def send(self, target: str, body: str = "a=1", **asked: str) -> bytes:
        return await self.gate.ask(
            target,
            token=self.token,
            method="POST",
            more=SAME + FORM,
            body=body,
            accept=asked.get("accept", "application/json"),
        )


@pytest.fixture
async def pages(tmp_path: Path, front_world: World, record_keys: KeyRing) -> AsyncIterator[Pages]:
    async with stand(tmp_path, front_world, record_keys) as gate:
        yield Pages(gate)


def bound_too(gate: Stand, *function_ids: str, learnt_from: frozenset[LearntFrom]) -> None:
    """Put a policy set in force in which these functions have transactions."""
    policy_set = gate.engine.policy_set
    functions = policy_set.catalogue.functions
    rule = functions["hr.sit"].transaction
    assert rule is not None
    rule = replace(rule, learnt_from=learnt_from)
    changed = [
        replace(each, transaction=rule) if each.id in function_ids else each
        for each in functions.values()
    ]
    catalogue = Catalogue(
        changed,
        carriers=policy_set.catalogue.carriers,
        form_paths=policy_set.catalogue.form_paths,
    )
    gate.engine.put(Engine.compile(replace(policy_set, catalogue=catalogue)))


async def test_a_page_is_sent_under_the_function_it_was_opened_for(pages: Pages) -> None:
    """Its number alone says what it is, and it is decided and recorded as that."""
    pages.open("7")
    answers = [
        await pages.send(f"{PAGE}?_ti=7"),
        await pages.send(f"{SIT}&_ti=7"),
        await pages.send(SIT, body="_ti=7&a=1"),
        await pages.gate.ask(f"{PAGE}?_ti=7&event=next", token=pages.token),
    ]

    assert [status_of(answer) for answer in answers] == [200] * 4
    permits = [draft for draft in pages.gate.drafts if draft.outcome is Outcome.PERMIT]
    assert {draft.function for draft in permits} == {"hr.sit"}
    assert permits[0].target == "/OA_HTML/OA.jsp?_ti"
    assert permits[0].op == "collection"
    assert pages.gate.act.visits[0].target is not None
    assert pages.gate.act.visits[0].target.sent == b"/OA_HTML/OA.jsp?_ti=7"


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        (f"{SIT}&_ti=9", "a=1", "page-of-another-function"),
        (SIT, "_ti=9&a=1", "page-of-another-function"),
        (SIT, "a=1", "page-unknown"),
        (f"{SIT}&_ti=8", "a=1", "page-unknown"),
        (f"{SIT}&_ti=6", "a=1", "page-unknown"),
        (f"{PAGE}?_ti=8", "a=1", "page-unknown"),
        (f"{PAGE}?_ti=6", "a=1", "page-unknown"),
    ],
)
async def test_no_page_posts_as_another(pages: Pages, target: str, body: str, code: str) -> None:
    """Not one of another function (9), of another session (6), of nobody (8), and not none."""
    pages.open("9", "hr.absence")
    pages.open("6", session=pages.gate.parts.sign_in("bob", "40012")[1].hash)
    answer = await pages.send(target, body)

    assert status_of(answer) == 403
    assert f'"code":"{code}"'.encode() in answer
    assert b"services" in answer
    assert pages.gate.act.visits == []
    (draft,) = pages.gate.drafts
    assert (draft.outcome, draft.code) == (Outcome.DENY, code)


async def test_a_person_reads_what_they_can_do_about_a_lost_page(pages: Pages) -> None:
    answer = await pages.send(f"{PAGE}?_ti=8", accept="text/html")

    assert status_of(answer) == 403
    assert b"Open it again from your services" in answer
    assert b"data-reference" in answer


async def test_who_is_offered_nothing_of_the_kind_learns_of_no_page(pages: Pages) -> None:
    """To them it is what every unknown request is."""
    pages.gate.hold("DBSE", "50011", "nwas")
    pages.token, _ = pages.gate.parts.sign_in("carol", "50011", organisation="nwas")
    page = await pages.send(f"{PAGE}?_ti=8")
    unknown = await pages.send("/nowhere?_ti=8")

    assert status_of(page) == status_of(unknown) == 404
    assert [draft.code for draft in pages.gate.drafts] == ["function-unknown"] * 2


async def test_a_page_that_is_opened_names_no_number_yet(pages: Pages) -> None:
    first = await pages.gate.ask(SIT, token=pages.token)
    strange = await pages.gate.ask(f"{SIT}&_ti=8", token=pages.token)

    assert (status_of(first), status_of(strange)) == (200, 403)


async def redirected(pages: Pages, visit: Visit, grant: Grant, location: str) -> None:
    """Have the system answer a visit with a redirect."""
    assert visit.target is not None
    await pages.gate.transactions.redirected(
        pages.session, grant.match.function, visit.target, location.encode(), at=visit.at
    )


@pytest.mark.parametrize(
    ("location", "function"),
    [
        (f"{SIT}&_ti=7", "hr.sit"),
        (f"{PAGE}?_ti=7", "hr.sit"),
        ("?_ti=7&x=1", "hr.sit"),
        (f"{ABSENCE}&_ti=7", "hr.absence"),
        ("/nowhere?_ti=7", None),
        (f"{SIT}&_ti=7&_ti=8", None),
        (SIT, None),
    ],
)
async def test_a_redirect_teaches_whose_page_it_is(
    pages: Pages, location: str, function: str | None
) -> None:
    """What it does not say of a function of that system, nobody takes from it."""
    await pages.gate.ask(SIT, token=pages.token)
    (visit,), (grant,) = pages.gate.act.visits, pages.gate.act.grants
    assert grant is not None
    await redirected(pages, visit, grant, location)

    assert pages.kept.load(pages.session, "ebs", "7") == function


async def test_a_redirect_to_another_function_is_that_functions_page(pages: Pages) -> None:
    bound_too(pages.gate, "hr.sit", "hr.absence", learnt_from=frozenset({LearntFrom.REDIRECT}))
    await pages.gate.ask(SIT, token=pages.token)
    (visit,), (grant,) = pages.gate.act.visits, pages.gate.act.grants
    assert grant is not None
    await redirected(pages, visit, grant, f"{ABSENCE}&_ti=7")

    assert pages.kept.load(pages.session, "ebs", "7") == "hr.absence"
    assert status_of(await pages.send(f"{ABSENCE}&_ti=7")) == 200
    assert status_of(await pages.send(f"{SIT}&_ti=7")) == 403


async def test_requests_teach_only_where_the_catalogue_says_so(pages: Pages) -> None:
    """Then the first GET binds, within its session; a POST never does."""
    everything = frozenset({LearntFrom.REDIRECT, LearntFrom.REQUEST})
    bound_too(pages.gate, "hr.sit", "hr.absence", learnt_from=everything)
    pages.open("6", session=pages.gate.parts.sign_in("bob", "40012")[1].hash)

    assert status_of(await pages.send(f"{SIT}&_ti=7")) == 403
    assert status_of(await pages.gate.ask(f"{SIT}&_ti=7", token=pages.token)) == 200
    assert status_of(await pages.send(f"{SIT}&_ti=7")) == 200
    assert status_of(await pages.send(f"{ABSENCE}&_ti=7")) == 403
    assert status_of(await pages.gate.ask(f"{SIT}&_ti=6", token=pages.token)) == 403


async def test_functions_without_transactions_are_not_asked_for_any(pages: Pages) -> None:
    assert status_of(await pages.send(ABSENCE)) == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_function_without_transactions_goes_on_with_its_own_pages_only(
    pages: Pages, method: str
) -> None:
    """For the back office believes the number, whatever function stands beside it."""
    pages.open("7")
    pages.open("5", "hr.absence")
    pages.open("6", session=pages.gate.parts.sign_in("bob", "40012")[1].hash)
    more = SAME + FORM if method == "POST" else ""
    answers = [
        await pages.gate.ask(
            f"{ABSENCE}&_ti={number}",
            token=pages.token,
            method=method,
            more=more,
            body="a=1" if method == "POST" else "",
        )
        for number in ("5", "6", "7", "8")
    ]

    assert [status_of(answer) for answer in answers] == [200, 403, 403, 403]
    assert len(pages.gate.act.visits) == 1
    assert {draft.function for draft in pages.gate.drafts} == {"hr.absence"}
    assert [draft.code for draft in pages.gate.drafts if draft.outcome is Outcome.DENY] == [
        "page-unknown",
        "page-of-another-function",
        "page-unknown",
    ]


async def test_a_store_that_is_away_lets_no_page_through(pages: Pages) -> None:
    await pages.gate.ask(ABSENCE, token=pages.token)
    with writing(pages.gate.parts.store) as connection:
        connection.execute(text("ALTER TABLE upstream_transaction RENAME TO gone"))

    assert status_of(await pages.send(f"{SIT}&_ti=8")) == 503
    assert len(pages.gate.act.visits) == 1
