"""Entries lie in bundles of at most a tile, and come out as they went in."""

import sqlite3
from pathlib import Path

import pytest

from gateway.audit.bundles import (
    BUNDLE_TABLE,
    KEPT,
    Bundle,
    StoredEntry,
    add_bundles,
    envelope_of,
    log_size,
    read_bundles,
    read_entries,
    read_entry,
)
from gateway.audit.errors import LogStoreError
from gateway.audit.sealing import NO_PSEUDONYM, Sealer
from tests.doubles.record import RecordBench, decision


def stored(index: int) -> StoredEntry:
    person = bytes([index % 251 + 1]) * 16
    envelope = b"{%d}" % index
    return StoredEntry(index, index % 3, person, person[::-1], NO_PSEUDONYM, envelope, b"c" * index)


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute(BUNDLE_TABLE)
    at = 0
    for count in (1, 3, 255, 300, 41):
        some = [stored(index) for index in range(at, at + count)]
        add_bundles(connection, at, bytes(e.flag for e in some), [e.kept for e in some])
        at += count
    return connection


def test_entries_come_out_as_they_went_in(connection: sqlite3.Connection) -> None:
    assert list(read_entries(connection, 0)) == [stored(index) for index in range(600)]
    assert log_size(connection) == 600


def test_no_bundle_crosses_the_end_of_a_tile(connection: sqlite3.Connection) -> None:
    bundles = list(read_bundles(connection, 0, 600))

    assert [(each.first, len(each.flags)) for each in bundles] == [
        (0, 1), (1, 3), (4, 252), (256, 3), (259, 253), (512, 47), (559, 41),
    ]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(0, 1), (3, 5), (255, 257), (511, 513), (599, 700)])
def test_any_span_is_read(connection: sqlite3.Connection, low: int, high: int) -> None:
    entries = [entry.idx for entry in read_entries(connection, low, high)]
    newest_first = [
        bundle.first for bundle in read_bundles(connection, low, high, newest_first=True)
    ]

    assert entries == list(range(low, min(high, 600)))
    assert newest_first == sorted(newest_first, reverse=True)


def test_one_entry_is_read_or_none(connection: sqlite3.Connection) -> None:
    assert read_entry(connection, 300) == stored(300)
    assert read_entry(connection, 600) is None


def test_what_is_kept_of_a_journalled_body_is_the_entry(bench: RecordBench) -> None:
    sealed = Sealer(bench.key_ring, "worker-1").seal(decision(1))
    [entry] = Bundle(0, b"\0", sealed.body[KEPT]).entries()

    assert entry.kept == sealed.body[KEPT]
    assert entry.envelope == envelope_of(entry.kept)
    assert entry.envelope.startswith(b'{"v":1,')
    assert entry.names_somebody
    assert not entry._replace(
        salt=NO_PSEUDONYM, actor=NO_PSEUDONYM, subject=NO_PSEUDONYM
    ).names_somebody


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content + b" ",
        lambda content: content[:30],
        lambda content: content[:51] + b"\xff" + content[52:],
        lambda _: b"",
    ],
    ids=["short", "long", "cut in a head", "wrong length", "empty"],
)
def test_lengths_that_do_not_add_up_are_refused(change: object) -> None:
    content = stored(5).kept + stored(6).kept
    assert callable(change)

    with pytest.raises(LogStoreError, match="does not add up"):
        list(Bundle(5, b"\0\0", change(content)).entries())
