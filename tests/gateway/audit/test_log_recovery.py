"""Before it signs again, a sequencer proves that the log extends what it signed."""

from pathlib import Path

import pytest

from gateway.audit.checkpoint import Checkpoint, sign_checkpoint
from gateway.audit.disk import Disk
from gateway.audit.errors import LogForkedError
from gateway.audit.log_recovery import recover_tree
from gateway.audit.log_store import LogStore
from gateway.audit.merkle import EMPTY_ROOT
from gateway.audit.tiles import TileTree
from tests.doubles.record import ORIGIN, RecordBench


def recover(bench: RecordBench) -> tuple[TileTree, int]:
    store = LogStore(bench.log)
    try:
        return recover_tree(store, bench.log, Disk(), bench.key_ring.log_signing, ORIGIN)
    finally:
        store.close()


def test_a_new_log_begins_empty(bench: RecordBench) -> None:
    bench.log.mkdir()
    tree, signed = recover(bench)

    assert (tree.size, signed, tree.root()) == (0, 0, EMPTY_ROOT)


def test_entries_stored_but_not_signed_are_taken_up(bench: RecordBench) -> None:
    """A crash after the transaction, before the tiles and the signature."""
    bench.filled(5)
    note, size = bench.checkpoint(), len(bench.ids())
    bench.filled(5)
    (bench.log / "checkpoint").write_text(note)
    with bench.database() as connection:
        connection.execute("DELETE FROM checkpoint")
    tree, signed = recover(bench)

    assert (signed, tree.size) == (size, len(bench.ids()))


def test_two_heads_of_one_size_stop_it(bench: RecordBench) -> None:
    bench.filled(3)
    other = Checkpoint(origin=ORIGIN, size=len(bench.ids()), root=bytes(32))
    note = sign_checkpoint(other, bench.key_ring.log_signing.private)
    (bench.log / "checkpoint").write_text(note)

    with pytest.raises(LogForkedError, match="two signed checkpoints of one size differ"):
        recover(bench)


def test_missing_tiles_stop_it(bench: RecordBench) -> None:
    bench.filled(3)
    for path in Path(bench.log / "tile/0").rglob("*"):
        if path.is_file():
            path.unlink()

    with pytest.raises(LogForkedError, match="cannot be read back"):
        recover(bench)


def test_a_hole_after_the_signed_entries_stops_it(bench: RecordBench) -> None:
    bench.filled(3)
    note = bench.checkpoint()
    bench.filled(3)
    (bench.log / "checkpoint").write_text(note)
    with bench.database() as connection:
        connection.execute("DELETE FROM checkpoint")
    with bench.rewriting() as entries:
        del entries[-2]

    with pytest.raises(LogForkedError, match="entries are missing"):
        recover(bench)
