"""A checkpoint is a signed note that others' tools read, and nothing else is taken for one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.audit.checkpoint import (
    Checkpoint,
    key_id,
    open_checkpoint,
    read_verifier_key,
    sign_checkpoint,
    write_verifier_key,
)
from gateway.audit.errors import NoteError

ORIGIN = "gate.example.police.uk/log"
HEAD = Checkpoint(origin=ORIGIN, size=42, root=bytes(range(32)))
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
# From golang.org/x/mod/sumdb/note: the key of its documentation, and a note signed with it.
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)


def test_a_signed_checkpoint_reads_back() -> None:
    note = sign_checkpoint(HEAD, KEY)

    assert open_checkpoint(note, [KEY.public_key()], origin=ORIGIN) == HEAD
    assert note.startswith(
        f"{ORIGIN}\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— {ORIGIN} "
    )


def test_keys_and_signatures_are_those_of_the_public_note_format() -> None:
    """The public example of another implementation fits our key ids and its signature verifies."""
    name, key = read_verifier_key(GO_VERIFIER)
    signature = base64.b64decode(GO_SIGNATURE)

    assert name == "PeterNeumann"
    assert signature[:4] == key_id(name, key) == bytes.fromhex("c74f20a3")
    key.verify(signature[4:], GO_NOTE.encode())
    assert write_verifier_key(name, key) == GO_VERIFIER


def test_an_old_key_still_opens_what_it_signed() -> None:
    note = sign_checkpoint(HEAD, KEY)

    assert open_checkpoint(note, [OTHER.public_key(), KEY.public_key()]) == HEAD


def test_signatures_of_witnesses_are_passed_over() -> None:
    note = sign_checkpoint(HEAD, KEY)
    witness = "— witness.example " + base64.b64encode(b"w" * 76).decode() + "\n"

    assert open_checkpoint(note + witness, [KEY.public_key()]) == HEAD


def test_every_changed_character_is_refused() -> None:
    note = sign_checkpoint(HEAD, KEY)

    for at, character in enumerate(note):
        changed = note[:at] + ("B" if character == "A" else "A") + note[at + 1 :]
        with pytest.raises(NoteError):
            open_checkpoint(changed, [KEY.public_key()])


def altered_notes() -> dict[str, str]:
    note = sign_checkpoint(HEAD, KEY)
    body, _, signatures = note.partition("\n\n")
    lines = body.split("\n")
    return {
        "empty": "",
        "no signature": body + "\n\n",
        "no blank line": body + "\n" + signatures,
        "extension line": f"{body}\nmore\n\n{signatures}",
        "leading zero": "\n".join([lines[0], "042", lines[2]]) + "\n\n" + signatures,
        "negative": "\n".join([lines[0], "-42", lines[2]]) + "\n\n" + signatures,
        "short root": "\n".join([*lines[:2], "AAAA"]) + "\n\n" + signatures,
        "cut": note[:-1],
        "empty line at the end": note + "\n",
        "endless": note + "— a AAAA\n" * 20_000,
        "other origin": sign_checkpoint(Checkpoint(origin="other", size=42, root=bytes(32)), KEY),
        "other key": sign_checkpoint(HEAD, OTHER),
    }


@pytest.mark.parametrize("name", sorted(altered_notes()))
def test_what_is_no_checkpoint_of_this_log_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        open_checkpoint(altered_notes()[name], [KEY.public_key()], origin=ORIGIN)


def test_no_key_means_no_checkpoint() -> None:
    with pytest.raises(NoteError, match="not signed with a known key"):
        open_checkpoint(sign_checkpoint(HEAD, KEY), [])


@pytest.mark.parametrize("origin", ["", "two words", "plus+plus", "line\nbreak"])
def test_an_origin_that_would_break_the_note_is_refused(origin: str) -> None:
    with pytest.raises(NoteError, match="not an origin"):
        Checkpoint(origin=origin, size=0, root=bytes(32))


def test_a_verifier_key_goes_both_ways() -> None:
    text = write_verifier_key(ORIGIN, KEY.public_key())
    name, key = read_verifier_key(text)

    assert name == ORIGIN
    assert isinstance(key, Ed25519PublicKey)
    assert key.public_bytes_raw() == KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", "x" + GO_VERIFIER])
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        read_verifier_key(text)
