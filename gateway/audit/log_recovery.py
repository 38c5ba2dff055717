"""What a sequencer proves before it signs again: that the log extends what was last signed.

The last checkpoint is the larger of the file and the table, which follows one step later. The
tree of its size is read back from the tiles and must give its root; entries stored after it, not
yet signed, are added. Anything else means that the log was rolled back or changed, and stops.
"""

from pathlib import Path

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.disk import Disk
from gateway.audit.errors import LogForkedError, TileError
from gateway.audit.log_store import CHECKPOINT_FILE, LogStore
from gateway.audit.merkle import leaf_hash
from gateway.audit.tiles import TileTree
from gateway.keys import SigningKeys


def recover_tree(
    store: LogStore, directory: Path, disk: Disk, keys: SigningKeys, origin: str
) -> tuple[TileTree, int]:
    """Load the tree as it was last signed, and add what was stored after.

    Returns:
        The tree with every stored entry, and the size that was last signed.

    Raises:
        LogForkedError: The log does not extend its last signed checkpoint.
        NoteError: A checkpoint of this log cannot be believed.
    """
    signed = _last_signed(store, directory, keys, origin)
    size = store.size()
    signed_size = 0 if signed is None else signed.size
    if size < signed_size:
        raise LogForkedError(
            f"log: it holds {size} entries, but {signed_size} were signed; it was rolled back"
        )
    try:
        tree = TileTree(directory, disk, signed_size)
    except TileError as error:
        raise LogForkedError(f"log: the signed tree cannot be read back: {error}") from error
    if signed is not None:
        if tree.root() != signed.root:
            raise LogForkedError(f"log: the tiles do not give the root signed at {signed_size}")
        _check_newest(store, tree)
    tree.extend([leaf_hash(envelope) for envelope in store.envelopes(signed_size)])
    if tree.size != size:
        raise LogForkedError("log: entries are missing after the signed ones")
    return tree, signed_size


def _check_newest(store: LogStore, tree: TileTree) -> None:
    """Check that the newest signed entries are those in the tree; `verify` checks all."""
    edge = tree.edge()
    envelopes = store.envelopes(tree.size - len(edge))
    for expected in edge:
        if leaf_hash(next(envelopes, b"")) != expected:
            raise LogForkedError(f"log: entries before {tree.size} are not those that were signed")


def _last_signed(
    store: LogStore, directory: Path, keys: SigningKeys, origin: str
) -> Checkpoint | None:
    notes = [store.last_checkpoint()]
    path = directory / CHECKPOINT_FILE
    if path.exists():
        notes.append(path.read_text(encoding="utf-8"))
    public = [key.key for key in keys.public]
    signed = [open_checkpoint(note, public, origin=origin) for note in notes if note]
    if len({head.root for head in signed}) > len({head.size for head in signed}):
        raise LogForkedError("log: two signed checkpoints of one size differ")
    return max(signed, key=lambda head: head.size, default=None)
