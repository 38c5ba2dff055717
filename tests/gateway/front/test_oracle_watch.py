"""Live decisions are asked of Casbin too; where the two differ, the function is withheld."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from gateway.bulletin import BulletinReader
from gateway.errors import RecordUnavailable
from gateway.front.oracle_watch import MOST_WAITING, OracleWatch
from gateway.front.policy_in_force import PolicyInForce
from policies.decision import Effect, Gate
from policies.reasons import Reason
from tests.doubles.waiting import wait_until
from tests.gateway.front.test_policy_in_force import AT, bulletin, put_in_force, store, versions
from tests.policies.people import asked, copied_set, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from gateway.audit.entry import EntryDraft
    from gateway.bulletin import Bulletin
    from gateway.policy_versions import PolicyVersions

__all__ = ["bulletin", "store", "versions"]

QUESTION = asked(subject("DBSB"))


class Recorded:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.drafts: list[EntryDraft] = []
        self.away = False

    def record_and_wait(self, draft: EntryDraft) -> None:
        if self.away:
            raise RecordUnavailable("away")
        self.drafts.append(draft)


@pytest.fixture
def policy(versions: PolicyVersions) -> PolicyInForce:
    return PolicyInForce(versions)


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def make(
    tmp_path: Path, policy: PolicyInForce, recorded: Recorded
) -> Iterator[Callable[..., OracleWatch]]:
    made: list[OracleWatch] = []

    def watch(one_in: int = 1) -> OracleWatch:
        made.append(
            OracleWatch(
                one_in=one_in,
                lock=tmp_path / "oracle.lock",
                policy=policy,
                recorder=recorded,  # type: ignore[arg-type]  # all that is asked of it
                clock=lambda: AT,
            )
        )
        return made[-1]

    yield watch
    for each in made:
        each.close()


def lie(policy: PolicyInForce) -> Any:
    """A permit that became a denial on its way."""
    return policy.engine().decide(QUESTION)._replace(effect=Effect.DENY)


def test_what_both_answer_alike_changes_nothing(
    make: Callable[..., OracleWatch], policy: PolicyInForce, recorded: Recorded
) -> None:
    watch = make()
    engine = policy.engine()
    for _ in range(3):
        watch.seen(engine, QUESTION, engine.decide(QUESTION))
    wait_until(lambda: watch.asked == 3)

    assert (policy.withheld, recorded.drafts) == (frozenset(), [])


def test_a_planted_disagreement_is_alarmed_recorded_and_withheld_in_every_worker(
    make: Callable[..., OracleWatch],
    policy: PolicyInForce,
    recorded: Recorded,
    versions: PolicyVersions,
    store: Engine,
    bulletin: Bulletin,
) -> None:
    other_worker = PolicyInForce(versions)
    readers = [BulletinReader(store, bulletin) for _ in range(2)]
    for reader, follows in zip(readers, (policy, other_worker), strict=True):
        reader.listen(follows.apply)
        reader.read()
    watch = make()

    with structlog.testing.capture_logs() as logs:
        watch.seen(policy.engine(), QUESTION, lie(policy))
        wait_until(lambda: recorded.drafts)

    alarms = [each for each in logs if each.get("alarm") == "oracle-disagreement"]
    assert [(each["function"], each["engine"], each["casbin"]) for each in alarms] == [
        ("pay.slip", "deny", "permit")
    ]
    assert QUESTION.subject.staff_id not in str(alarms)
    (draft,) = recorded.drafts
    assert (draft.kind, draft.code, draft.function) == ("system", "oracle-disagreement", "pay.slip")
    for reader, follows in zip(readers, (policy, other_worker), strict=True):
        assert reader.catch_up()
        decision = follows.engine().decide(QUESTION)
        assert (decision.gate, decision.reason) == (Gate.RULE, Reason.RULE_IN_ERROR)
        assert follows.withheld == {"pay.slip"}
        assert follows.engine().decide(asked(subject("DBSB"), "fleet.book")).permitted
    assert not PolicyInForce(versions).engine().decide(QUESTION).permitted


def test_a_function_is_withheld_until_another_set_is_in_force(
    make: Callable[..., OracleWatch],
    policy: PolicyInForce,
    recorded: Recorded,
    versions: PolicyVersions,
    tmp_path: Path,
) -> None:
    make().seen(policy.engine(), QUESTION, lie(policy))
    wait_until(lambda: recorded.drafts)
    assert not PolicyInForce(versions).engine().decide(QUESTION).permitted

    directory = copied_set(tmp_path)
    organisations = directory / "organisations.toml"
    organisations.write_text(organisations.read_text() + "\n")
    put_in_force(versions, directory)

    assert PolicyInForce(versions).engine().decide(QUESTION).permitted


def test_a_withheld_function_explains_itself(policy: PolicyInForce) -> None:
    engine = policy.engine().withholding(frozenset({"pay.slip", "no.such"}))
    decision = engine.decide(QUESTION)
    stranger = asked(replace(subject("DBSB"), organisation="strangers"))

    assert "withheld" in engine.explain(QUESTION, decision).gates[3].looked_at
    assert engine.conclude("pay.slip", decision.agreement_id, decision.results) == decision
    assert not engine.decide(stranger).permitted


def test_one_worker_of_a_machine_asks_and_another_takes_its_place(
    make: Callable[..., OracleWatch], policy: PolicyInForce
) -> None:
    engine = policy.engine()
    decision = engine.decide(QUESTION)
    first, second = make(), make()
    first.seen(engine, QUESTION, decision)
    wait_until(lambda: first.asked == 1)
    second.seen(engine, QUESTION, decision)
    wait_until(lambda: not second._waiting)
    assert (first.asked, second.asked) == (1, 0)

    first.close()
    second.seen(engine, QUESTION, decision)
    wait_until(lambda: second.asked == 1)
    assert first.asked == 1


def test_so_many_wait_and_no_more_and_none_where_none_is_asked(
    make: Callable[..., OracleWatch], policy: PolicyInForce
) -> None:
    engine = policy.engine()
    decision = engine.decide(QUESTION)
    off = make(0)
    for _ in range(50):
        off.seen(engine, QUESTION, decision)
    assert not off._waiting

    busy = make()
    busy._wake.set = lambda: None  # type: ignore[method-assign]
    for _ in range(2 * MOST_WAITING):
        busy.seen(engine, QUESTION, decision)
    assert len(busy._waiting) == MOST_WAITING
    del busy._wake.set


def test_of_many_about_the_share_that_is_set_is_asked(
    make: Callable[..., OracleWatch], policy: PolicyInForce
) -> None:
    watch = make(20)
    engine = policy.engine()
    decision = engine.decide(QUESTION)
    put_aside = 0
    for _ in range(4_000):
        watch.seen(engine, QUESTION, decision)
        put_aside += watch._left == 0 or len(watch._waiting) > 0
        watch._waiting.clear()
    assert 100 < put_aside < 320


def test_a_record_or_a_casbin_that_is_away_is_an_alarm_and_the_function_withheld_all_the_same(
    make: Callable[..., OracleWatch],
    policy: PolicyInForce,
    recorded: Recorded,
    versions: PolicyVersions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded.away = True
    with structlog.testing.capture_logs() as logs:
        first = make()
        first.seen(policy.engine(), QUESTION, lie(policy))
        wait_until(lambda: any("not recorded" in each["event"] for each in logs))
    first.close()
    assert versions.doubted(1) == {"pay.slip"}

    def broken(_: object) -> None:
        raise ZeroDivisionError("a fault in Casbin")

    monkeypatch.setattr("policies.casbin_oracle.CasbinOracle.from_policy_set", broken)
    with structlog.testing.capture_logs() as logs:
        watch = make()
        question = asked(subject("DBSB"), "fleet.book")
        watch.seen(policy.engine(), question, policy.engine().decide(question))
        wait_until(lambda: any(each.get("alarm") == "oracle-unavailable" for each in logs))
