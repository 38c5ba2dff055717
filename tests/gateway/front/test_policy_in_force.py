"""The engine a worker decides by follows what is in force, or the worker is not current."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from gateway.bulletin import POLICY, Bulletin, BulletinReader
from gateway.errors import StoreError
from gateway.front import policy_in_force
from gateway.front.policy_in_force import PolicyInForce
from gateway.policy_versions import PolicyVersions
from gateway.store.engine import open_store, reading, writing
from gateway.store.schema_policy import policy_version
from policies.policy_files import PolicyFiles
from policies.policy_set import load_policy_set
from tests.policies.people import LIBRARY, asked, cheshire, copied_set, subject
from vetting.person import PersonKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.gateway.front.conftest import SettingsMaker

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(make_settings: SettingsMaker) -> Iterator[Engine]:
    engine = open_store(make_settings().store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def bulletin(tmp_path: Path) -> Iterator[Bulletin]:
    opened = Bulletin(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def versions(store: Engine, bulletin: Bulletin) -> PolicyVersions:
    versions = PolicyVersions(store, bulletin)
    versions.begin(PolicyFiles.read(LIBRARY), cheshire(), at=AT)
    return versions


def without_payslips(tmp_path: Path, versions: PolicyVersions) -> int:
    """Put a set in force that permits nobody the payslip."""
    directory = copied_set(tmp_path)
    rules = directory / "../../../../policies/library/shared-services/rules.toml"
    rules.write_text(rules.read_text().replace('"pay.slip", ', ""))
    return put_in_force(versions, directory)


def put_in_force(versions: PolicyVersions, directory: Path) -> int:
    number = versions.propose(
        PolicyFiles.read(directory),
        load_policy_set(directory).digest,
        base=1,
        loosens=True,
        reason="",
        by="a",
        at=AT,
    ).number
    return versions.put_in_force(number, by="b", at=AT).number


def payslip(policy: PolicyInForce) -> bool:
    return policy.engine().decide(asked(subject("DBSB"))).permitted


def test_the_next_read_of_the_bulletin_brings_the_set_in_force(
    tmp_path: Path, store: Engine, bulletin: Bulletin, versions: PolicyVersions
) -> None:
    policy = PolicyInForce(versions)
    reader = BulletinReader(store, bulletin)
    reader.listen(policy.apply)
    reader.read()
    before = payslip(policy)
    number = without_payslips(tmp_path, versions)

    assert not reader.is_current(time.monotonic())
    assert before
    assert reader.catch_up()
    assert not payslip(policy)
    assert policy.number == number


def test_whose_vetting_is_accepted_follows_the_set_in_force(
    tmp_path: Path, store: Engine, versions: PolicyVersions
) -> None:
    policy = PolicyInForce(versions)
    person = PersonKey.from_text("cheshire-fire/40011")
    with reading(store) as connection:
        before = policy.read(connection, person).clearance.accepted
    directory = copied_set(tmp_path)
    organisations = directory / "organisations.toml"
    organisations.write_text(
        organisations.read_text().replace(
            "host = true", 'host = true\naccepts_vetting_by = ["merseyside-police"]'
        )
    )
    put_in_force(versions, directory)
    policy.apply(frozenset({"policy"}))
    with reading(store) as connection:
        after = policy.read(connection, person).clearance.accepted
        of_the_desk = policy.register().read(connection, person).clearance.accepted

    assert "merseyside-police" not in before
    assert "merseyside-police" in after
    assert of_the_desk == after


def test_other_news_compile_nothing(versions: PolicyVersions) -> None:
    policy = PolicyInForce(versions)
    engine = policy.engine()
    policy.apply(frozenset({"person:cheshire-fire/1", "all-sessions"}))
    policy.apply(frozenset({"everything"}))

    assert policy.engine() is engine


def test_a_set_that_cannot_be_read_leaves_the_worker_behind_the_bulletin(
    tmp_path: Path, store: Engine, bulletin: Bulletin, versions: PolicyVersions
) -> None:
    policy = PolicyInForce(versions)
    reader = BulletinReader(store, bulletin)
    reader.listen(policy.apply)
    reader.read()
    number = without_payslips(tmp_path, versions)
    with writing(store) as connection:
        connection.execute(
            update(policy_version).where(policy_version.c.number == number).values(files="{")
        )

    assert not reader.catch_up()
    assert not reader.is_current(time.monotonic())
    assert policy.number == 1


def test_a_set_that_means_something_else_is_refused(
    store: Engine, versions: PolicyVersions
) -> None:
    with writing(store) as connection:
        connection.execute(update(policy_version).values(digest="0" * 64))

    with pytest.raises(StoreError, match="means something else"):
        PolicyInForce(versions)


def test_without_a_set_in_force_no_worker_starts(store: Engine, bulletin: Bulletin) -> None:
    with pytest.raises(StoreError, match="no set is in force"):
        PolicyInForce(PolicyVersions(store, bulletin))


def test_a_doubt_of_the_set_before_says_nothing_of_the_one_that_takes_its_place(
    tmp_path: Path, versions: PolicyVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle's thread may find it in the middle of the swap."""
    policy = PolicyInForce(versions)
    before = policy.engine()
    number = without_payslips(tmp_path, versions)

    class Found:
        def info(self, *_: object, **__: object) -> None:
            policy.doubt(before, "pay.slip", at=AT)

    monkeypatch.setattr(policy_in_force, "_log", Found())
    policy.apply(frozenset({POLICY}))

    assert policy.number == number
    assert versions.doubted(number) == frozenset()
