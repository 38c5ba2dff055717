"""Which policy set is in force: one at a time, two people for what may loosen, nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from gateway.bulletin import POLICY, Bulletin
from gateway.errors import PolicyChangeRefused, StoreError
from gateway.policy_versions import FIRST, PolicyVersions, State
from gateway.store.engine import reading, writing
from gateway.store.schema_policy import policy_version
from policies.policy_files import PolicyFiles
from tests.doubles.stores import new_store
from tests.policies.people import LIBRARY, cheshire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FILES = PolicyFiles.read(LIBRARY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    with new_store(tmp_path) as engine:
        yield engine


@pytest.fixture
def bulletin(tmp_path: Path) -> Iterator[Bulletin]:
    opened = Bulletin(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def versions(store: Engine, bulletin: Bulletin) -> PolicyVersions:
    return PolicyVersions(store, bulletin)


def begun(versions: PolicyVersions) -> int:
    return versions.begin(FILES, cheshire(), at=AT).number


def proposed(
    versions: PolicyVersions, base: int, *, loosens: bool = True, by: str = "p.lyall"
) -> int:
    return versions.propose(
        FILES, "d" * 64, base=base, loosens=loosens, reason="why", by=by, at=AT
    ).number


def test_before_the_first_start_nothing_is_in_force(versions: PolicyVersions) -> None:
    assert versions.in_force() is None


def test_the_first_start_takes_the_files_and_later_starts_do_not(versions: PolicyVersions) -> None:
    first = versions.begin(FILES, cheshire(), at=AT)
    again = versions.begin(FILES, cheshire(), at=AT + timedelta(days=1))
    stored = versions.in_force()

    assert (first.state, first.proposed_by, first.digest) == (
        State.IN_FORCE,
        FIRST,
        cheshire().digest,
    )
    assert again == first
    assert stored == (first, FILES)


def test_what_may_loosen_needs_another_person(versions: PolicyVersions) -> None:
    number = proposed(versions, begun(versions))

    with pytest.raises(PolicyChangeRefused, match="somebody else must approve"):
        versions.put_in_force(number, by=" P.Lyall ", at=AT)
    assert versions.find(number).state is State.PROPOSED

    version = versions.put_in_force(number, by="h.oldroyd", at=AT)
    assert (version.state, version.decided_by) == (State.IN_FORCE, "h.oldroyd")
    assert [each.state for each in versions.listed()] == [State.IN_FORCE, State.RETIRED]


def test_what_only_tightens_may_be_put_in_force_by_who_proposed_it(
    versions: PolicyVersions,
) -> None:
    number = proposed(versions, begun(versions), loosens=False)

    assert versions.put_in_force(number, by="p.lyall", at=AT).state is State.IN_FORCE


def test_a_proposal_is_stale_when_another_set_came_into_force(versions: PolicyVersions) -> None:
    base = begun(versions)
    one, other = proposed(versions, base), proposed(versions, base)
    versions.put_in_force(one, by="h.oldroyd", at=AT)

    with pytest.raises(PolicyChangeRefused, match=f"but {one} is in force now"):
        versions.put_in_force(other, by="h.oldroyd", at=AT)


def test_nothing_is_decided_on_twice(versions: PolicyVersions) -> None:
    number = proposed(versions, begun(versions))
    versions.drop(number, by="p.lyall", at=AT)

    for decide in (versions.put_in_force, versions.drop):
        with pytest.raises(PolicyChangeRefused, match="it is dropped"):
            decide(number, by="h.oldroyd", at=AT)
    with pytest.raises(PolicyChangeRefused, match="there is no version 99"):
        versions.put_in_force(99, by="h.oldroyd", at=AT)


def test_what_comes_into_force_is_announced_in_its_own_transaction(
    versions: PolicyVersions, bulletin: Bulletin, store: Engine
) -> None:
    number = proposed(versions, begun(versions))
    with reading(store) as connection:
        before = bulletin.latest(connection)
    rung = bulletin.counter()
    versions.put_in_force(number, by="h.oldroyd", at=AT)

    with reading(store) as connection:
        assert [subject for _, subject in bulletin.since(connection, before)] == [POLICY]
    assert bulletin.counter() == rung + 1


def test_two_sets_are_never_in_force_at_once(versions: PolicyVersions, store: Engine) -> None:
    begun(versions)
    number = proposed(versions, 1)

    with pytest.raises(IntegrityError), writing(store) as connection:
        connection.execute(
            update(policy_version)
            .where(policy_version.c.number == number)
            .values(state=State.IN_FORCE.value)
        )


def test_a_state_that_nobody_knows_is_refused(versions: PolicyVersions, store: Engine) -> None:
    number = begun(versions)
    with writing(store) as connection:
        connection.execute(
            update(policy_version).where(policy_version.c.number == number).values(state="odd")
        )

    with pytest.raises(StoreError, match="unknown state"):
        versions.find(number)
