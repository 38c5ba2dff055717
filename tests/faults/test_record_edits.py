"""Ten thousand random edits of the log: the offline verifier finds every one.

It has public keys and a checkpoint that was kept elsewhere. Bits flipped in what is kept of an
entry and in tiles, entries deleted, swapped, repeated, the end cut off, an older copy put back.
`RECORD_EDITS=1000` for a short run.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.doubles.record import RecordBench

EDITS = int(os.environ.get("RECORD_EDITS", "10000"))
KINDS = ("bit", "bit", "tile", "delete", "swap", "repeat", "truncate", "older copy")
FACTS = ("flag", "salt", "actor", "subject", "envelope", "ciphertext")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RecordBench:
    """Give a small log, and an older copy of it beside."""
    bench = RecordBench(tmp_path_factory.mktemp("original"))
    bench.filled(12)
    shutil.copytree(bench.log, bench.directory / "older")
    bench.at += timedelta(minutes=1)
    return bench.filled(12)


def edit(bench: RecordBench, kind: str, chance: random.Random, older: Path) -> str:
    """Change the log as somebody could who may write its files; tells what was done."""
    entries = bench.entries()
    at = chance.randrange(len(entries))
    if kind == "bit":
        fact = chance.choice(FACTS)
        value = getattr(entries[at], fact)
        bench.change(at, **{fact: flipped(value, chance)})
        return f"{fact} of entry {at}"
    if kind == "tile":
        tiles = sorted(path for path in (bench.log / "tile").rglob("*") if path.is_file())
        newest = max(tiles, key=lambda path: path.stat().st_size)
        content = flipped(newest.read_bytes(), chance)
        assert isinstance(content, bytes)
        newest.write_bytes(content)
        return f"tile {newest.name}"
    if kind == "older copy":
        shutil.rmtree(bench.log)
        shutil.copytree(older, bench.log)
        return "an older copy"
    other = chance.choice([number for number in range(len(entries)) if number != at])
    with bench.rewriting() as kept:
        if kind == "delete":
            del kept[at]
        elif kind == "truncate":
            del kept[at:]
        elif kind == "swap":
            kept[at], kept[other] = kept[other]._replace(idx=at), kept[at]._replace(idx=other)
        else:
            kept[at] = kept[other]._replace(idx=at)
    return f"{kind} at {at} and {other}"


def flipped(value: object, chance: random.Random) -> object:
    """Flip one bit."""
    if isinstance(value, int):
        return value ^ 1
    if not value:
        return b"\x01" * 16
    assert isinstance(value, bytes | bytearray)
    changed = bytearray(value)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


@pytest.mark.timeout(3600)
def test_every_edit_is_found(original: RecordBench, tmp_path: Path) -> None:
    chance = random.Random(20261122)
    held = original.checkpoint()
    done: Counter[str] = Counter()
    missed = []
    bench = RecordBench(tmp_path)
    bench.key_ring = original.key_ring
    for _ in range(EDITS):
        shutil.rmtree(bench.log, ignore_errors=True)
        shutil.copytree(original.log, bench.log)
        kind = chance.choice(KINDS)
        what = edit(bench, kind, chance, original.directory / "older")
        done[kind] += 1
        if bench.verify(held).holds:
            missed.append(what)

    assert original.verify(held).holds
    assert missed == []
    assert done.total() == EDITS
    assert set(done) == set(KINDS)
