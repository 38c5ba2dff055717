"""What is followed is a permit that nothing has touched; what is written is each request's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.audit.entry import EntryDraft
from gateway.backoffice.canonical import canonicalise_target
from gateway.bulletin import POLICY, person_subject
from gateway.drafts import decision_draft
from gateway.given_purposes import GivenPurpose
from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.sessions.presence import Presence, PresenceLimit
from gateway.pace import Pace
from gateway.precedents import Precedent, Precedents, _key
from gateway.store.engine import writing
from gateway.visit import Visit
from gateway.wire.incoming import BodySource, Incoming
from policies.catalogue import Catalogue, Match
from policies.decision import Decision
from policies.engine import Engine
from policies.question import Question
from policies.reasons import Reason
from tests.doubles.raw_client import RawClient
from tests.doubles.waiting import until
from tests.gateway.identity.parts import AT, FIRE, later, new_parts, us
from tests.gateway.stand import (
    COOKIE,
    OWN_PAYSLIP,
    SAME,
    NotingEngine,
    Opened,
    Stand,
    status_of,
)
from tests.gateway.test_drafts import HOST, PAYSLIP, asked, signed_in
from tests.gateway.test_pipeline import FORM, LEAVE
from tests.gateway.visits import new_visit, request
from tests.policies.people import cheshire, grant, subject
from vetting.grants import GrantStatus

QUERY = (("OAFunc", "XX_PAYSLIP"),)
MINUTE_US = 60_000_000


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveSession]:
    """Give somebody's live session."""
    with new_parts(tmp_path) as parts:
        yield signed_in(parts)


def opened_visit(engine: Engine, incoming: Incoming, **more: Any) -> Visit:
    """Open a visit that this engine has decided."""
    visit = new_visit(incoming, **more)
    visit.engine = engine
    return visit


Ask = tuple[Question, Decision, Match]


class Bench:
    """The precedents of somebody's own payslip, asked for by themselves."""

    def __init__(self, live: LiveSession, *limits: PresenceLimit) -> None:
        self.live = live
        self.engine = Engine.compile(cheshire())
        self.known = Precedents(Presence(limits))
        self.question, match = asked(live, PAYSLIP, QUERY)
        assert match is not None
        self.match: Match = match
        self.incoming = request(target=PAYSLIP, user_agent=b"Firefox")
        self.target = canonicalise_target(PAYSLIP, frozenset())

    def visit(self, **more: Any) -> Visit:
        given: dict[str, Any] = {"incoming": self.incoming, "live": self.live, **more}
        visit = opened_visit(self.engine, **given)
        visit.target = self.target
        return visit

    def decide(self, visit: Visit | None = None) -> EntryDraft:
        """Decide and draft, as the pipeline does."""
        visit = visit or self.visit()
        assert visit.engine is not None
        decision = visit.engine.decide(self.question)
        return self.known.draft(visit, self.question, decision, self.match, host=HOST)

    def learn(self, visit: Visit | None = None) -> None:
        for _ in range(2):
            self.decide(visit)

    def find(self, visit: Visit | None = None, *, engine: Engine | None = None) -> Precedent | None:
        visit = visit or self.visit()
        assert visit.live is not None
        return self.known.find(visit, visit.live, engine or self.engine)


def test_what_was_permitted_twice_is_followed_with_all_that_was_found(live: LiveSession) -> None:
    bench = Bench(live)
    bench.decide()

    assert bench.find() is None

    drafted = bench.decide()
    found = bench.find()

    assert found is not None
    assert (found.target, found.match) == (bench.target, bench.match)
    assert (found.question, found.engine) == (bench.question, bench.engine)
    assert found.decision == bench.engine.decide(bench.question)
    named = drafted.id, drafted.at_us, drafted.reference
    again = found.repetition.draft(entry_id=named[0], at_us=named[1], reference=named[2])
    assert again == drafted


@pytest.mark.parametrize("passed_us", [-1, MINUTE_US])
def test_it_is_decided_anew_after_a_minute_and_where_the_clock_went_back(
    live: LiveSession, passed_us: int
) -> None:
    bench = Bench(live)
    bench.learn()

    assert bench.find(bench.visit(at_us=us(AT) + MINUTE_US - 1)) is not None
    other = bench.visit(at_us=us(AT) + passed_us)
    assert bench.find(other) is None

    bench.decide(other)  # once is enough to go on
    assert bench.find(other) is not None


def test_it_ends_with_the_session_as_it_was_and_with_the_policy_set(live: LiveSession) -> None:
    bench = Bench(live)
    bench.learn()

    assert bench.find(bench.visit(live=replace(live, _facts=None))) is None
    assert bench.find(engine=Engine.compile(cheshire())) is None
    assert bench.find(engine=bench.engine.withholding(frozenset({"pay.slip"}))) is None
    assert bench.find() is not None


@pytest.mark.parametrize(
    "other",
    [
        request(target=PAYSLIP, user_agent=b"Chrome"),
        request(target=PAYSLIP + b"&a=b", user_agent=b"Firefox"),
        request("HEAD", target=PAYSLIP, user_agent=b"Firefox"),
        request("POST", target=PAYSLIP, user_agent=b"Firefox"),
        request(target=PAYSLIP, user_agent=b"Firefox", length=1),
    ],
)
def test_another_request_is_not_taken_for_it(live: LiveSession, other: Incoming) -> None:
    bench = Bench(live)
    bench.learn()

    assert bench.find(bench.visit(incoming=other)) is None
    assert bench.find() is not None


def test_a_permit_ends_where_the_vetting_does(live: LiveSession) -> None:
    bench = Bench(live)
    over = datetime(2026, 12, 1, tzinfo=UTC)  # of winter time
    vetted = bench.question.subject
    ending = replace(vetted.clearance, grants=(grant("DBSB", expires_on=date(2026, 11, 30)),))
    before = over - timedelta(seconds=1)
    bench.question = replace(bench.question, subject=replace(vetted, clearance=ending), at=before)
    bench.learn(bench.visit(at_us=us(before)))

    assert bench.find(bench.visit(at_us=us(over) - 1)) is not None
    assert bench.find(bench.visit(at_us=us(over))) is None


def test_it_ends_where_somebody_would_be_asked_to_sign_in_again(live: LiveSession) -> None:
    age = timedelta(microseconds=us(AT) - live.session.started_at_us) + timedelta(seconds=5)
    bench = Bench(live, PresenceLimit(age=age))
    bench.learn()

    assert bench.find(bench.visit(at_us=us(AT) + 4_999_999)) is not None
    assert bench.find(bench.visit(at_us=us(AT) + 5_000_000)) is None


def _of_function(bench: Bench, **changed: Any) -> None:
    bench.match = replace(bench.match, function=replace(bench.match.function, **changed))
    bench.question = replace(bench.question, function=bench.match.function)


def _under_review(bench: Bench) -> None:
    bench.live = replace(bench.live, under_review=True)


def _about_somebody(bench: Bench) -> None:
    bench.match = replace(bench.match, record_person="40011")


def _from_a_page(bench: Bench) -> None:
    bench.match = replace(bench.match, transaction="pay.slip")


def _opens_pages(bench: Bench) -> None:
    opening = next(f for f in cheshire().catalogue.functions.values() if f.transaction)
    _of_function(bench, transaction=opening.transaction)


def _in_zones(bench: Bench) -> None:
    bench.engine = replace(bench.engine, zones=frozenset({"station"}))


def _by_post(bench: Bench) -> None:
    bench.incoming = request("POST", target=PAYSLIP, user_agent=b"Firefox")


def _withheld(bench: Bench) -> None:
    bench.engine = bench.engine.withholding(frozenset({"pay.slip"}))


@pytest.mark.parametrize(
    "changes",
    [_under_review, _about_somebody, _from_a_page, _opens_pages, _in_zones, _by_post, _withheld],
)
def test_what_rests_on_more_is_decided_each_time(
    live: LiveSession, changes: Callable[[Bench], None]
) -> None:
    bench = Bench(live)
    changes(bench)
    bench.learn()

    assert bench.find() is None
    assert len(bench.known) == 1  # what is written of it is known all the same


def test_what_bears_an_obligation_is_decided_each_time(live: LiveSession) -> None:
    """A second factor grows old, a mask has to be put on, a rate is counted."""
    bench = Bench(live)
    owing = cheshire().catalogue.functions["pay.bank"]
    assert owing.obligations
    _of_function(bench, obligations=owing.obligations)
    bench.learn()

    assert bench.find() is None


def test_a_known_draft_is_never_taken_for_another(live: LiveSession) -> None:
    """Whatever differs in the request, in who asks or in the answer, the entry says it."""
    engine, known = Engine.compile(cheshire()), Precedents(Presence())
    question, match = asked(live, PAYSLIP, QUERY)
    stranger, _ = asked(live, PAYSLIP, QUERY, organisation="cheshire-police")
    other = replace(live, session=replace(live.session, hash="another"), _facts=None)
    plain = request(target=PAYSLIP, user_agent=b"Firefox")
    visits = [
        (opened_visit(engine, plain, live=live), question, match),
        (opened_visit(engine, plain, live=live), stranger, match),
        (opened_visit(engine, plain, live=other), question, match),
        (
            opened_visit(engine, request(target=PAYSLIP, user_agent=b"Chrome"), live=live),
            question,
            match,
        ),
        (opened_visit(engine, plain, live=live), replace(question, record_person="4"), match),
        (opened_visit(engine, plain, live=live), question, None),
        (
            opened_visit(engine, request(target=b"/else", user_agent=b"Firefox"), live=live),
            question,
            match,
        ),
    ]
    target = canonicalise_target(PAYSLIP, frozenset())
    for visit, _, _ in visits[:-1]:  # as one and the same finder gives it
        visit.target = target
    for visit, asks, means in (each for three in visits * 2 for each in [three] * 3):
        decision = engine.decide(asks)
        expected = decision_draft(visit, asks, decision, means, host=HOST)
        assert known.draft(visit, asks, decision, means, host=HOST) == expected

    withheld = known.draft(visits[0][0], question, engine.decide(question), match, host=HOST)
    withheld.code = "page-unknown"
    again = known.draft(visits[0][0], question, engine.decide(question), match, host=HOST)
    assert again.code == "rule-permits"


def test_what_is_asked_for_once_is_not_kept(live: LiveSession) -> None:
    engine, known = Engine.compile(cheshire()), Precedents(Presence())
    question, match = asked(live, PAYSLIP, QUERY)
    decision = engine.decide(question)
    for number in range(300):
        once = opened_visit(engine, request(target=b"%b&_ti=%d" % (PAYSLIP, number)), live=live)
        known.draft(once, question, decision, match, host=HOST)

    assert len(known) == 0

    often = opened_visit(engine, request(target=PAYSLIP), live=live)
    first, second, third = (
        known.draft(often, question, decision, match, host=HOST) for _ in range(3)
    )

    assert (first.repetition, second.repetition) == (None, None)
    assert third.repetition is not None
    assert len(known) == 1


def test_a_form_sent_again_and_again_takes_one_place(live: LiveSession) -> None:
    """What it means is worked out of its body anew, each time."""
    engine, known = Engine.compile(cheshire()), Precedents(Presence())
    question, match = asked(live, PAYSLIP, QUERY)
    assert match is not None
    visit = opened_visit(engine, request("POST", PAYSLIP, length=3), live=live)
    for _ in range(20):
        read = replace(match)
        draft = known.draft(visit, question, engine.decide(question), read, host=HOST)
        assert draft.repetition is None

    assert len(known) == 1


def test_a_session_read_anew_takes_the_place_of_what_it_was(live: LiveSession) -> None:
    """Each is, every few minutes; and nothing of before is said of it."""
    engine, known = Engine.compile(cheshire()), Precedents(Presence())
    question, match = asked(live, PAYSLIP, QUERY)
    decision = engine.decide(question)
    visit = opened_visit(engine, request(target=PAYSLIP), live=live)
    for number in range(20):
        staff = replace(live.staff, username=f"alice{number}")
        visit.live = replace(live, staff=staff, _facts=None)
        expected = decision_draft(visit, question, decision, match, host=HOST)
        for _ in range(3):
            assert known.draft(visit, question, decision, match, host=HOST) == expected

    assert len(known) == 1


def test_what_is_known_of_a_session_goes_with_it(live: LiveSession) -> None:
    """The people of yesterday do not stay in memory, and never fill it."""
    engine, known = Engine.compile(cheshire()), Precedents(Presence())
    question, match = asked(live, PAYSLIP, QUERY)
    decision = engine.decide(question)
    of_live = opened_visit(engine, request(target=PAYSLIP), live=live)
    for _ in range(2):
        known.draft(of_live, question, decision, match, host=HOST)
    most = 0
    for number in range(2_000):
        session = replace(live.session, hash=f"session {number}")
        theirs = replace(live, session=session, _facts=None)
        visit = opened_visit(engine, request(target=PAYSLIP), live=theirs)
        for _ in range(2):
            known.draft(visit, question, decision, match, host=HOST)
        theirs.dropped = True
        most = max(most, len(known))

    assert 250 < most < 400
    assert known.draft(of_live, question, decision, match, host=HOST).repetition is not None


def test_what_is_known_is_bounded(live: LiveSession) -> None:
    engine, known = Engine.compile(cheshire()), Precedents(Presence(), most=20)
    question, match = asked(live, PAYSLIP, QUERY)
    decision = engine.decide(question)
    for number in range(50):
        visit = opened_visit(engine, request(target=b"%b&page=%d" % (PAYSLIP, number)), live=live)
        for _ in range(2):
            known.draft(visit, question, decision, match, host=HOST)
        assert len(known) <= 20


class Clients:
    """Connections of several clients, whose heads keep what was found for them."""

    def __init__(self) -> None:
        sent: list[tuple[str, bytes]] = [("GET", b"Firefox"), ("GET", b"Chrome"), ("HEAD", b"A")]
        self.heads = [
            (
                SimpleNamespace(peer_ip=f"10.0.0.{connection // 2}"),
                request(method, PAYSLIP, user_agent=agent).head,
            )
            for connection in range(4)
            for method, agent in sent
        ]
        self.targets = [PAYSLIP, PAYSLIP + b"&a=b"]

    def one(self, bench: Bench, chance: Random, at_us: int) -> Visit:
        client, head = chance.choice(self.heads)
        asked_for = head.for_target(chance.choice(self.targets))
        incoming = Incoming(asked_for, cast("BodySource", client), complete=True)
        return bench.visit(incoming=incoming, client=client, at_us=at_us)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_head_keeps_is_what_would_be_looked_up(live: LiveSession, seed: int) -> None:
    """Whatever changes meanwhile: sessions, policy sets, time, what is known at all."""
    bench, clients, chance = Bench(live), Clients(), Random(seed)
    keys: dict[int, object] = {}
    at_us, kept, followed = us(AT), [], 0
    for _ in range(1_500):
        at_us += chance.choice([1, 1_000, 1_000_000, -1_000])
        what = chance.random()
        if what < 0.01:
            bench.live = replace(bench.live, _facts=None)
        elif what < 0.02:
            bench.engine = Engine.compile(cheshire())
        elif what < 0.03:
            bench.target = replace(bench.target)
        elif what < 0.04:
            bench.known._known.clear()
        elif what < 0.05:
            at_us += MINUTE_US
        visit = clients.one(bench, chance, at_us)
        found = bench.find(visit)
        head = visit.incoming.head
        visit.incoming.head = replace(head, worked_out={})
        looked_up = bench.find(visit)
        visit.incoming.head = head

        if looked_up is not None:
            assert found is not None
        if found is None:
            bench.decide(visit)
            known = bench.known._known.get(_key(visit, bench.live))
            if known is not None:
                kept.append(known)  # so that no other has its place in memory
                keys[id(known)] = _key(visit, bench.live)
        else:
            followed += 1
            assert keys[id(found)] == _key(visit, bench.live)
            assert found.live is bench.live
            assert found.engine is bench.engine
            assert found.since_us <= at_us < found.until_us

    assert followed > 500


def test_what_was_denied_is_decided_each_time(live: LiveSession) -> None:
    """How one is led to what is missing may be another the next time."""
    bench = Bench(live)
    bench.question = replace(bench.question, subject=subject())
    bench.learn()

    assert not bench.engine.decide(bench.question).permitted
    assert bench.find() is None


def test_a_purpose_is_written_down_with_what_it_was_given_for_alone(live: LiveSession) -> None:
    bench = Bench(live)
    bench.learn()
    visit = bench.visit()
    visit.purpose = GivenPurpose(code="audit", text="", until_us=0)

    assert "purpose-given:audit" in bench.decide(visit).obligations
    assert "purpose-given:audit" not in bench.decide().obligations


def test_it_is_followed_again_after_what_was_kept_was_cleared(live: LiveSession) -> None:
    bench = Bench(live)
    bench.learn()
    assert bench.find() is not None
    compiled = bench.engine.functions["pay.slip"]
    who = bench.question.subject
    candidates = compiled.candidates_for("read", who.organisation, who.organisation_kind)
    decided = candidates.latest[0].decided
    assert decided
    decided.clear()
    after = us(AT) + 61_000_000
    for _ in range(3):
        bench.decide(bench.visit(at_us=after))
    assert bench.find(bench.visit(at_us=after)) is not None


def test_what_is_long_is_not_kept(live: LiveSession) -> None:
    """At the most that a head may hold, so many of them would take a gigabyte."""
    target, agent, much = PAYSLIP, b"Firefox", b"x" * 1_024
    for long in (
        request(target=target + b"&a=" + much, user_agent=agent),
        request(target=target, user_agent=much),
    ):
        bench = Bench(live)
        bench.incoming = long
        bench.learn()
        assert len(bench.known) == 0


def test_no_policy_set_of_before_is_held_by_sessions_that_are_over(live: LiveSession) -> None:
    bench = Bench(live)
    bench.learn()
    live.dropped = True
    was, bench.engine = bench.engine, Engine.compile(cheshire())
    session = replace(live.session, hash="another")
    bench.live = replace(live, session=session, dropped=False, _facts=None)
    bench.learn()

    assert all(each.engine is not was for each in bench.known._known.values())


# ---- through the gate ---------------------------------------------------------------------------


@contextmanager
def counted(gate: Stand) -> Iterator[list[str]]:
    """Give what the engine is asked meanwhile."""
    begun = len(gate.engine.asked)
    asked_then: list[str] = []
    yield asked_then
    asked_then += gate.engine.asked[begun:]


async def warm(gate: Stand, token: str) -> RawClient:
    """Connect somebody who has asked for their payslip so often that it is not decided again."""
    client = await gate.client()
    for _ in range(4):
        assert status_of(await again(client, token)) == 200
    with counted(gate) as asked_then:
        assert status_of(await again(client, token)) == 200
    assert asked_then == []
    return client


async def again(client: RawClient, token: str, **more: Any) -> bytes:
    return await client.get(OWN_PAYSLIP, more=f"Cookie: {COOKIE}={token}\r\n", **more)


def said(draft: EntryDraft) -> dict[str, object]:
    """Give what a draft says, but for what is each entry's own."""
    own = {"id", "at_us", "reference", "corr", "repetition", "duration_us"}
    return {name: value for name, value in vars(draft).items() if name not in own}


async def test_whoever_comes_again_is_served_and_recorded_as_the_first_time(
    opened: Opened,
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        await warm(gate, token)
        first, *others = gate.drafts[::2]
        result, *results = gate.drafts[1::2]

        assert [said(each) for each in others] == [said(first)] * 4
        assert [said(each) for each in results] == [said(result)] * 4
        assert [each.corr for each in gate.drafts[1::2]] == [each.id for each in gate.drafts[::2]]
        assert len({each.reference for each in (first, *others)}) == 5
        assert len({each.id for each in (first, *others)}) == 5
        grants = [each for each in gate.act.grants if each is not None]
        assert [each.entry for each in grants] == [first, *others]
        assert {each.match.function.id for each in grants} == {"pay.slip"}
        assert [each.function.id for each in gate.seen] == ["pay.slip"] * 5  # by the oracle's watch


def _signed_out(gate: Stand, token: str) -> None:  # noqa: ARG001
    (live,) = gate.parts.cache._live.values()
    gate.parts.sessions.end(live.session.hash, at=AT)


def _set_in_force(gate: Stand, token: str) -> None:  # noqa: ARG001
    withheld = gate.engine.real.withholding(frozenset({"pay.slip"}))
    gate.engine = NotingEngine(withheld)


def _hurried(gate: Stand, token: str) -> None:  # noqa: ARG001
    (live,) = gate.parts.cache._live.values()
    live.pace = Pace(1)
    for _ in range(10):
        assert live.pace.take(gate.at_us) == 0


def _aged(gate: Stand, token: str) -> None:  # noqa: ARG001
    gate.at_us = us(later(days=2))


@pytest.mark.parametrize(
    ("happens", "status"),
    [(_signed_out, 303), (_set_in_force, 403), (_hurried, 429), (_aged, 303)],
)
async def test_what_changes_meanwhile_holds_at_the_next_request(
    opened: Opened, happens: Callable[[Stand, str], None], status: int
) -> None:
    """Nothing of it is asked of the engine, and yet it counts."""
    async with opened() as gate:
        token = gate.firefighter()
        client = await warm(gate, token)
        served = len(gate.act.visits)
        happens(gate, token)
        answer = await again(client, token)

        assert (status_of(answer), len(gate.act.visits)) == (status, served)


async def test_vetting_that_ends_meanwhile_is_asked_for_at_the_next_request(
    opened: Opened,
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        client = await warm(gate, token)
        with writing(gate.parts.store) as connection:
            gate.parts.register.change_status(
                connection, f"DBSB-{FIRE}-40011", GrantStatus.SUSPENDED, by="test", at=AT
            )
            gate.parts.bulletin.announce(connection, person_subject(f"{FIRE}/40011"), AT)
        gate.parts.bulletin.ring()
        answer = await again(client, token)

        assert status_of(answer) == 403
        assert gate.drafts[-1].code == Reason.CLEARANCE_TOO_LOW


async def test_who_asks_too_fast_is_recorded_without_values(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        path = OWN_PAYSLIP + "&employer_note=secret"
        cookie = f"Cookie: {COOKIE}={token}\r\n"
        client = await gate.client()
        for _ in range(4):
            assert status_of(await client.get(path, more=cookie)) == 200
        (live,) = gate.parts.cache._live.values()
        live.pace = Pace(1)
        for _ in range(10):
            assert live.pace.take(gate.at_us) == 0
        assert status_of(await client.get(path, more=cookie)) == 429
        followed = gate.drafts[-1].target
        assert "secret" not in followed
        gate.engine = NotingEngine(gate.engine.real)  # decided anew
        assert status_of(await client.get(path, more=cookie)) == 429

        assert followed == gate.drafts[-1].target


def elsewhere() -> Engine:
    """The shipped set, in which the payslip's address means nothing any more."""
    shipped = cheshire()
    old = shipped.catalogue
    functions = [
        replace(each, matchers=tuple(replace(m, path="/OA_HTML/Else.jsp") for m in each.matchers))
        if each.id == "pay.slip"
        else each
        for each in old.functions.values()
    ]
    catalogue = Catalogue(
        functions,
        carriers=old.carriers,
        form_paths=old.form_paths,
        purposes=old.purposes,
        field_sets=old.field_sets,
        markings=old.markings,
        own_host=old.own_host,
    )
    return Engine.compile(replace(shipped, catalogue=catalogue))


async def test_another_policy_set_counts_for_all_that_come_after_it(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        client = await warm(gate, token)
        new = NotingEngine(elsewhere())

        def swap(subjects: frozenset[str]) -> None:
            if POLICY in subjects:
                gate.engine = new

        gate.parts.reader.listen(swap)
        with writing(gate.parts.store) as connection:
            gate.parts.bulletin.announce(connection, POLICY, AT)
        gate.parts.bulletin.ring()
        cookie = f"Cookie: {COOKIE}={token}\r\n"
        statuses = [status_of(await again(client, token))]
        await client.get("/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", more=cookie)
        statuses += [status_of(await again(client, token)) for _ in range(3)]

        assert statuses == [404] * 4


async def test_a_policy_set_that_comes_while_a_form_is_read_refuses_it(opened: Opened) -> None:
    """Its meaning is the old set's, and nobody may decide by the new one about that."""
    async with opened() as gate:
        token = gate.firefighter()
        client = await gate.client()
        head = f"POST {LEAVE} HTTP/1.1\r\nHost: gate\r\nCookie: {COOKIE}={token}\r\n{SAME}{FORM}"
        await client.say(f"{head}Content-Length: 3\r\n\r\n".encode())
        running = gate.front._pipeline.running
        await until(lambda: [each for each in running.values() if each.live])
        gate.engine = NotingEngine(elsewhere())
        await client.say(b"a=b")

        assert status_of(await client.answer()) == 503
        assert gate.act.visits == []
