"""Personal fields are unreadable without their month's key, and cannot be exchanged with it."""

import os
import tracemalloc
from base64 import b64encode
from dataclasses import replace
from typing import NamedTuple

import pytest

from gateway.audit.errors import FieldsError
from gateway.audit.field_encryption import (
    NONCE_BYTES,
    PERSONAL_FIELDS,
    SEED_BYTES,
    FieldEncryption,
    PersonalText,
    personal_fields,
)
from gateway.keys import KeyRing
from tests.doubles.record import RecordBench, decision

FIELDS = {"actor_name": "firefighter@cheshire-fire", "ip": "10.1.2.3", "target": "/a?b"}
ENTRY_ID = bytes(range(16))
NOVEMBER_US = 1_795_000_000_000_000  # 18 November 2026


class EncryptedFields(NamedTuple):
    """What encrypting gives, by name."""

    kid: bytes
    kc: bytes
    fields_root: bytes
    ciphertext: bytes


def encrypt(key_ring: KeyRing, *, at_us: int = NOVEMBER_US, regime: str = "GP") -> EncryptedFields:
    draft = decision(1, id=ENTRY_ID, at_us=at_us, regime=regime)
    return EncryptedFields(
        *FieldEncryption(key_ring).encrypt(
            PersonalText.of(FIELDS), draft, os.urandom(SEED_BYTES), os.urandom(NONCE_BYTES)
        )
    )


def decrypt(key_ring: KeyRing, sealed: EncryptedFields, entry_id: bytes = ENTRY_ID) -> object:
    return FieldEncryption(key_ring).decrypt(
        sealed.ciphertext,
        entry_id=entry_id,
        kid=sealed.kid.decode(),
        kc=sealed.kc,
        fields_root=sealed.fields_root,
    )


def test_what_was_encrypted_is_read_back(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)

    assert decrypt(KeyRing.open(bench.key_ring.directory), sealed) == FIELDS
    assert not any(value.encode() in sealed.ciphertext for value in FIELDS.values())


@pytest.mark.parametrize(
    ("at_us", "regime", "kid"),
    [
        (NOVEMBER_US, "GP", "2026-11/GP/1"),
        (NOVEMBER_US, "LE", "2026-11/LE/1"),
        (NOVEMBER_US, "", "2026-11/GP/1"),
        (1_796_083_199_999_999, "GP", "2026-11/GP/1"),
        (1_796_083_200_000_000, "GP", "2026-12/GP/1"),
        (1_798_761_600_000_000, "LE", "2027-01/LE/1"),
    ],
)
def test_each_month_and_class_has_its_own_key(
    bench: RecordBench, at_us: int, regime: str, kid: str
) -> None:
    assert encrypt(bench.key_ring, at_us=at_us, regime=regime).kid == kid.encode()


def test_months_can_alternate(bench: RecordBench) -> None:
    encryption = FieldEncryption(bench.key_ring)
    kids = [
        encryption.encrypt(PersonalText.of(FIELDS), decision(1, at_us=at_us), b"s" * 16, b"n" * 12)[
            0
        ][:7]
        for at_us in (NOVEMBER_US, NOVEMBER_US + 30 * 86_400_000_000, NOVEMBER_US)
    ]

    assert kids == [b"2026-11", b"2026-12", b"2026-11"]


def test_destroying_the_key_of_the_month_expires_the_fields(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)
    (bench.key_ring.directory / "field/2026-11-GP-1.key").unlink()

    assert decrypt(KeyRing.open(bench.key_ring.directory), sealed) is None
    assert not list((bench.key_ring.directory / "field").glob("*GP*"))


def test_every_flipped_bit_of_the_ciphertext_is_found(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)

    for at in range(len(sealed.ciphertext)):
        flipped = bytearray(sealed.ciphertext)
        flipped[at] ^= 1
        with pytest.raises(FieldsError):
            decrypt(bench.key_ring, sealed._replace(ciphertext=bytes(flipped)))


def test_fields_of_another_entry_do_not_decrypt(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)

    with pytest.raises(FieldsError):
        decrypt(bench.key_ring, sealed, entry_id=bytes(16))


def test_another_key_of_the_same_name_is_not_the_committed_one(bench: RecordBench) -> None:
    """AES-GCM alone would let an insider show another plaintext under another key."""
    sealed = encrypt(bench.key_ring)
    path = bench.key_ring.directory / "field/2026-11-GP-1.key"
    path.write_bytes(os.urandom(32))

    with pytest.raises(FieldsError, match="not the one the entry was sealed with"):
        decrypt(KeyRing.open(bench.key_ring.directory), sealed)


def test_other_commitments_are_found(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)

    with pytest.raises(FieldsError, match="not those the envelope commits to"):
        decrypt(bench.key_ring, sealed._replace(fields_root=bytes(32)))


def test_a_cut_ciphertext_is_refused(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)

    with pytest.raises(FieldsError, match="cut short"):
        decrypt(bench.key_ring, sealed._replace(ciphertext=sealed.ciphertext[:20]))


def test_one_field_can_be_disclosed_and_checked_without_the_others(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)
    shown = FieldEncryption(bench.key_ring).disclose(
        sealed.ciphertext, entry_id=ENTRY_ID, kid=sealed.kid.decode(), kc=sealed.kc, name="ip"
    )

    assert (shown.name, shown.value) == ("ip", "10.1.2.3")
    shown.verify(sealed.fields_root)
    assert b64encode(FIELDS["actor_name"].encode()) not in b64encode(b"".join(shown.commitments))
    for other in (
        replace(shown, value="10.1.2.4"),
        replace(shown, name="target"),
        replace(shown, commitments=shown.commitments[:-1]),
    ):
        with pytest.raises(FieldsError):
            other.verify(sealed.fields_root)


def test_a_field_that_is_not_there_is_not_disclosed(bench: RecordBench) -> None:
    sealed = encrypt(bench.key_ring)

    with pytest.raises(FieldsError, match="no readable field `agent`"):
        FieldEncryption(bench.key_ring).disclose(
            sealed.ciphertext,
            entry_id=ENTRY_ID,
            kid=sealed.kid.decode(),
            kc=sealed.kc,
            name="agent",
        )


def test_every_personal_field_of_a_draft_is_taken_in_order() -> None:
    draft = decision(1, session=b"\x01\x02", auth="password", agent="Firefox", detail='{"a":1}')

    assert tuple(personal_fields(draft)) == PERSONAL_FIELDS
    assert personal_fields(draft)["session"] == "0102"
    assert personal_fields(decision(1).result(draft.outcome, at_us=draft.at_us)) == {}


def test_text_that_is_made_ready_takes_no_more_memory_than_it_has() -> None:
    """It is kept with what is known of requests, thousands of times in a worker."""
    PersonalText.of(FIELDS)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [PersonalText.of(FIELDS).json for _ in range(100)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 100 * (len(kept[0]) + 200)
