"""The outside verifier finds whatever was changed, and says where. Untouched, the log holds."""

import shutil
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.blocks import add_to_blocks
from gateway.audit.checkpoint import Checkpoint, sign_checkpoint
from gateway.audit.columns import clear_columns
from gateway.audit.disk import Disk
from gateway.audit.errors import LogStoreError
from gateway.audit.merkle import leaf_hash, root_of
from gateway.audit.tiles import TileTree
from gateway.audit.verify import verify
from tests.doubles.record import ORIGIN, RecordBench, decision

FACTS = ("flag", "salt", "actor", "subject", "envelope", "ciphertext")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RecordBench:
    """Give a log of some hundred entries, of two sequencers and many writers."""
    bench = RecordBench(tmp_path_factory.mktemp("original"))
    for _ in range(5):
        bench.filled(40)
    return bench


@pytest.fixture
def injured(original: RecordBench, tmp_path: Path) -> RecordBench:
    """Give a copy to injure."""
    copy = RecordBench(tmp_path)
    shutil.copytree(original.log, copy.log)
    copy.key_ring = original.key_ring
    return copy


def faults(bench: RecordBench, held: str | None = None) -> list[str]:
    report = bench.verify(held)
    assert report.holds == (not report.faults)
    return [str(fault) for fault in report.faults]


def execute(bench: RecordBench, *statements: str) -> None:
    with bench.database() as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_untouched_log_holds(original: RecordBench) -> None:
    report = original.verify(original.checkpoint())

    assert report.holds
    assert report.faults == ()
    assert report.alarms == ()
    assert report.sealed == report.size == report.held_size == 365
    assert report.origin == ORIGIN
    assert report.summary().endswith("the log holds")
    assert report.to_json()["holds"] is True


def test_it_needs_no_secret(original: RecordBench, tmp_path: Path) -> None:
    """A copy of the folder and the public key are enough."""
    shutil.copytree(original.log, tmp_path / "log")
    (tmp_path / "log/sequencer.lock").unlink()
    keys = [key.key for key in original.key_ring.log_signing.public]

    assert verify(tmp_path / "log", keys, origin=ORIGIN).holds


@pytest.mark.parametrize("fact", FACTS)
def test_all_that_is_kept_of_every_entry_is_guarded(injured: RecordBench, fact: str) -> None:
    """Each change is found, and laid at the door of that entry."""
    entries = injured.entries()
    for entry in entries[:: len(entries) // 12]:
        value = getattr(entry, fact)
        injured.change(entry.idx, **{fact: changed(value)})
        report = injured.verify()
        assert not report.holds, (fact, entry.idx)
        assert any(
            fault.index == entry.idx or f"entry {entry.idx}" in fault.where
            for fault in report.faults
        ), (fact, entry.idx, report.lines())
        injured.change(entry.idx, **{fact: value})
    assert injured.verify().holds


def changed(value: object) -> object:
    if isinstance(value, int):
        return value ^ 1
    assert isinstance(value, bytes)
    return value[:-2] + bytes([value[-2] ^ 1]) + value[-1:] if value else b"\x01" * 16


def test_every_bit_of_an_entry_counts(injured: RecordBench) -> None:
    kept = injured.entries()[9].kept
    with injured.rewriting():
        pass  # each in a bundle of its own
    for at in range(0, len(kept) * 8, 97):
        flipped = bytearray(kept)
        flipped[at // 8] ^= 1 << at % 8
        put_in_place(injured, 9, bytes(flipped))
        found = faults(injured)
        assert any(f.startswith(("entry 9: ", "bundle of entry 9: ")) for f in found), at


def put_in_place(bench: RecordBench, first: int, content: bytes) -> None:
    with bench.database() as connection:
        connection.execute("UPDATE bundle SET content = ? WHERE first = ?", (content, first))


def test_a_removed_entry_is_named(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        del entries[50]

    assert faults(injured)[0] == "entry 50: removed"


def test_a_removed_span_is_named(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        del entries[50:60]

    assert faults(injured)[0] == "entries 50 to 59: removed"


def test_a_removed_entry_whose_place_was_filled_up_is_found(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        del entries[300]
        entries[300:] = [entry._replace(idx=entry.idx - 1) for entry in entries[300:]]
    found = faults(injured)

    assert "entry 300: holds what was sealed as entry 301" in found
    assert any("truncated: 365 entries were signed, 364 are there" in fault for fault in found)


def test_two_entries_that_changed_places_are_named(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        entries[20], entries[70] = entries[70]._replace(idx=20), entries[20]._replace(idx=70)
    found = faults(injured)

    assert "entry 20: holds what was sealed as entry 70" in found
    assert "entry 70: holds what was sealed as entry 20" in found


def test_an_inserted_entry_is_found(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        entries.append(entries[10]._replace(idx=365))

    assert any(fault.startswith("entry 365: does not follow") for fault in faults(injured))


def test_an_entry_far_behind_the_end_does_not_keep_it_from_ending(injured: RecordBench) -> None:
    """Nobody signed what is missing there: there is nothing to judge of it."""
    with injured.rewriting() as entries:
        entries.append(entries[10]._replace(idx=2**60))

    assert f"entries 365 to {2**60 - 1}: removed" in faults(injured)


def test_a_bundle_that_crosses_the_end_of_a_tile_is_found(injured: RecordBench) -> None:
    """A search for an entry behind that end would not find its bundle."""
    kept = [entry.kept for entry in injured.entries()[250:260]]
    with injured.rewriting():
        pass
    with injured.database() as connection:
        connection.execute("DELETE FROM bundle WHERE first BETWEEN 250 AND 259")
        row = 250, bytes(10), b"".join(kept)
        connection.execute("INSERT INTO bundle VALUES (?,?,?)", row)

    assert "bundle of entry 250: does not hold 1 to 256 entries of one tile" in faults(injured)


def test_a_truncated_log_is_found(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        del entries[300:]

    assert "checkpoint: truncated: 365 entries were signed, 300 are there" in faults(injured)


def resign(bench: RecordBench, size: int) -> None:
    """Forge a whole shorter log, tiles and all, with the log's own key: the worst insider."""
    shutil.rmtree(bench.log / "tile")
    with bench.rewriting() as entries:
        del entries[size:]
        leaves = [leaf_hash(entry.envelope) for entry in entries]
        columns = [clear_columns(orjson.loads(entry.envelope)) for entry in entries]
    with bench.database() as connection:
        connection.execute("DELETE FROM checkpoint WHERE size > ?", (size,))
        connection.execute("DELETE FROM closing WHERE result >= ?", (size,))
        connection.execute("DELETE FROM block")
        add_to_blocks(connection, 0, columns)
    tree = TileTree(bench.log, Disk())
    tree.extend(leaves)
    tree.write()
    head = Checkpoint(origin=ORIGIN, size=size, root=root_of(leaves))
    note = sign_checkpoint(head, bench.key_ring.log_signing.private)
    (bench.log / "checkpoint").write_text(note)


def test_truncation_by_whoever_holds_the_signing_key_is_found_with_a_held_checkpoint(
    injured: RecordBench,
) -> None:
    """And only with it: the control shows why a checkpoint must be kept elsewhere."""
    held = injured.checkpoint()
    resign(injured, 250)

    assert faults(injured) == []
    assert faults(injured, held) == [
        "held checkpoint: truncated: 365 entries were signed, 250 are there"
    ]


def test_a_rewritten_history_does_not_fit_a_held_checkpoint(injured: RecordBench) -> None:
    held = injured.checkpoint()
    injured.change(364, envelope=injured.entries()[364].envelope + b" ")
    resign(injured, 365)

    assert any(
        fault == "held checkpoint: the first 365 entries do not give the signed root"
        for fault in faults(injured, held)
    )


def test_a_log_that_went_on_fits_a_held_checkpoint(injured: RecordBench) -> None:
    held = injured.checkpoint()
    injured.filled(30)

    report = injured.verify(held)
    assert report.holds
    assert report.held_size == 365
    assert report.size > 365


def flip(path: Path, at: int = 40) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tile/0/000", "tile of entry 1: changed: the entry fits the checkpoint"),
        ("tile/1/000.p/1", "tile 1/0: not the hashes of the tiles below"),
    ],
)
def test_a_changed_tile_is_named(injured: RecordBench, name: str, expected: str) -> None:
    flip(injured.log / name, 31 if "p" in name[6:] else 40)

    assert expected in faults(injured)


def test_a_removed_tile_is_named(injured: RecordBench) -> None:
    (injured.log / "tile/0/000").unlink()

    assert any(fault.startswith("tile 0/0: ") for fault in faults(injured))


def test_entry_and_tile_changed_alike_do_not_fit_the_checkpoint(injured: RecordBench) -> None:
    envelope = injured.entries()[1].envelope + b" "
    injured.change(1, envelope=envelope)
    tile = injured.log / "tile/0/000"
    content = tile.read_bytes()
    tile.write_bytes(content[:32] + leaf_hash(envelope) + content[64:])

    assert "checkpoint: the first 365 entries do not give the signed root" in faults(injured)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE checkpoint SET note = replace(note, 'g', 'h')", "kept checkpoint"),
        ("UPDATE checkpoint SET size = size - 1", "column `size`"),
        ("UPDATE block SET to_us = to_us + 1", "block 0"),
        ("DELETE FROM block", "block 0"),
        ("UPDATE block SET outcomes = outcomes & 1", "block 0"),
        ("UPDATE block SET low_reference = high_reference", "block 0"),
        ("INSERT INTO person VALUES (0, x'00', 1)", "table `person`: speaks of 1 parts"),
        ("DROP INDEX block_to", "log file: tables, indexes or triggers"),
        ("CREATE VIEW more AS SELECT 1", "log file: tables, indexes or triggers"),
        (
            "CREATE TRIGGER gone AFTER INSERT ON bundle BEGIN DELETE FROM bundle; END",
            "log file: tables, indexes or triggers",
        ),
        ("UPDATE bundle SET flags = zeroblob(3) WHERE first = 0", "bundle of entry 0: its lengths"),
    ],
)
def test_what_surrounds_the_entries_is_guarded(
    injured: RecordBench, statement: str, expected: str
) -> None:
    execute(injured, statement)

    assert any(expected in fault for fault in faults(injured))


def test_an_index_that_hides_a_block_is_found(injured: RecordBench) -> None:
    """Whoever edits the file itself can make a search miss an entry that is there."""
    execute(
        injured,
        "PRAGMA writable_schema = ON",
        "CREATE TABLE hidden AS SELECT sql FROM sqlite_master WHERE name = 'block_to'",
        "UPDATE sqlite_master SET sql = sql || ' WHERE number <> 0' WHERE name = 'block_to'",
    )
    execute(injured, "DROP TABLE hidden", "REINDEX block_to")
    execute(
        injured,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, ' WHERE number <> 0', '') "
        "WHERE name = 'block_to'",
    )

    assert any(fault.startswith("log file: structure") for fault in faults(injured))


def test_a_flag_that_nothing_reports_is_found(injured: RecordBench) -> None:
    injured.change(7, flag=1)

    assert "entry 7: it is flagged, but nothing reports it" in faults(injured)


def test_the_checkpoint_of_a_stranger_proves_nothing(injured: RecordBench) -> None:
    head = Checkpoint(origin=ORIGIN, size=1, root=bytes(32))
    (injured.log / "checkpoint").write_text(
        sign_checkpoint(head, Ed25519PrivateKey.generate()), encoding="utf-8"
    )

    assert any("not signed with a known key" in fault for fault in faults(injured))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"nonsense\n"])
def test_a_checkpoint_that_cannot_be_read_proves_nothing(
    injured: RecordBench, content: bytes
) -> None:
    (injured.log / "checkpoint").write_bytes(content)

    assert any(fault.startswith("checkpoint: ") for fault in faults(injured))


def test_without_a_checkpoint_nothing_is_proved(injured: RecordBench) -> None:
    (injured.log / "checkpoint").unlink()

    assert not injured.verify().holds


def test_another_log_is_not_this_one(original: RecordBench) -> None:
    keys = [key.key for key in original.key_ring.log_signing.public]
    report = verify(original.log, keys, origin="other.example/log")

    assert not report.holds


def test_a_folder_without_a_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogStoreError):
        verify(tmp_path, [])


def test_a_file_damaged_in_the_middle_is_reported_and_not_a_crash(injured: RecordBench) -> None:
    with injured.database() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((injured.log / "log.sqlite").read_bytes())
    for at in range(8192 * 3, len(content) - 8192, 8192):
        content[at : at + 200] = b"\xee" * 200
    (injured.log / "log.sqlite").write_bytes(content)

    assert any("log file" in fault for fault in faults(injured))


def test_entries_not_yet_sealed_are_no_fault(bench: RecordBench) -> None:
    """Between the transaction and the signature a log is in order, only not proved to its end."""
    bench.filled(5)
    old, size = bench.checkpoint(), len(bench.ids())
    bench.at += timedelta(minutes=5)
    bench.filled(5)
    (bench.log / "checkpoint").write_text(old)
    execute(bench, f"DELETE FROM checkpoint WHERE size > {size}")  # noqa: S608
    report = bench.verify()

    assert report.holds
    assert (report.sealed, report.size) == (size, len(bench.ids()))


def test_progress_is_told(original: RecordBench) -> None:
    told: list[tuple[int, int]] = []
    keys = [key.key for key in original.key_ring.log_signing.public]
    verify(original.log, keys, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (365, 365)


def test_a_log_with_many_faults_lists_the_first_and_counts_all(injured: RecordBench) -> None:
    with injured.rewriting() as entries:
        entries[:] = [entry._replace(ciphertext=entry.ciphertext + b" ") for entry in entries]
    report = injured.verify()

    assert len(report.faults) == 200
    assert report.fault_count == 365
    assert "and 165 more faults" in report.summary()


def test_a_log_that_reports_an_alarm_holds_and_says_so(bench: RecordBench) -> None:
    bench.record(*(decision(number) for number in range(3)))
    segment = next(bench.journal.rglob("0*.seg"))
    content = bytearray(segment.read_bytes())
    content[content.index(b'"wseq":2') - 40] ^= 1
    segment.write_bytes(content)
    bench.drain()
    report = bench.verify()

    assert report.holds
    assert {code for _, code in report.alarms} == {"damaged-frame", "sequence-gap"}


def test_a_flag_that_we_do_not_set_is_found(bench: RecordBench) -> None:
    """As one whose MAC did not hold, an entry of which another is said would close nothing."""
    test_a_log_that_reports_an_alarm_holds_and_says_so(bench)
    with bench.rewriting() as entries:
        entries[:] = [entry._replace(flag=entry.flag and 3) for entry in entries]

    assert any("its flag is none that we set" in fault for fault in faults(bench))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM damaged", "UPDATE damaged SET content = substr(content, 2)"]
)
def test_what_could_not_become_an_entry_is_guarded(bench: RecordBench, statement: str) -> None:
    test_a_log_that_reports_an_alarm_holds_and_says_so(bench)
    execute(bench, statement)

    assert any("was kept as damaged is gone or changed" in fault for fault in faults(bench))


def test_an_alarm_cannot_be_hushed_up(bench: RecordBench) -> None:
    test_a_log_that_reports_an_alarm_holds_and_says_so(bench)
    with bench.rewriting() as entries:
        entries[:] = [entry._replace(flag=0) for entry in entries]

    assert any("but it is not flagged" in fault for fault in faults(bench))
