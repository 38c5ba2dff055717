"""A sealed entry says what the draft said, in clear only what is no person's, and cannot change."""

import hashlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.entry import EntryDraft, Kind, Outcome, Repetition
from gateway.audit.field_encryption import PERSONAL_FIELDS
from gateway.audit.merkle import leaf_hash
from gateway.audit.sealing import (
    HEADER,
    MAX_ENTRY_BYTES,
    NO_PSEUDONYM,
    Chance,
    Pseudonyms,
    Sealed,
    Sealer,
)
from gateway.keys import KeyRing
from tests.doubles.record import START, RecordBench, decision

START_US = int(START.timestamp()) * 1_000_000
CHANCE = b"seed" * 4, b"once" * 3, b"salt" * 4


def opened(sealed: Sealed) -> tuple[dict[str, Any], bytes, tuple[bytes, bytes, bytes]]:
    _, _, persons, length, more = HEADER.unpack_from(sealed.body)
    salt, actor, subject = persons[:16], persons[16:32], persons[32:]
    envelope = sealed.body[HEADER.size : HEADER.size + length]
    assert len(sealed.body) == HEADER.size + length + more
    assert leaf_hash(envelope) == sealed.leaf
    return orjson.loads(envelope), sealed.body[HEADER.size + length :], (salt, actor, subject)


@pytest.fixture
def sealer(bench: RecordBench) -> Sealer:
    return Sealer(bench.key_ring, "worker-test-1")


def test_every_clear_field_is_in_the_envelope(sealer: Sealer) -> None:
    draft = decision(
        1,
        corr=bytes(16),
        vetting_expires="2027-11-20",
        roles="auditor",
        classification="OFFICIAL",
        system="ebs",
        agreement="blc",
        rules=("own-payslip",),
        policy="ab" * 32,
        obligations=("step-up",),
        method="GET",
        route="/a/{b}",
        status=200,
        bytes_in=1,
        bytes_out=2,
        duration_us=3,
        recipient="nwas",
        count=7,
        inputs=[1, None, {"a": True}],
    )
    envelope, _, _ = opened(sealer.seal(draft, CHANCE))
    names = {
        name: envelope.get("time" if name == "at_us" else name)
        for name in vars(draft)
        if name not in {*PERSONAL_FIELDS, "id", "corr", "closes"}
    }

    assert names == {
        name: list(value) if isinstance(value := getattr(draft, name), tuple) else value
        for name in names
    }
    assert (envelope["id"], envelope["corr"]) == (draft.id.hex(), "00" * 16)
    assert (envelope["v"], envelope["writer"], envelope["wseq"]) == (1, "worker-test-1", 1)


def test_nothing_personal_is_readable_in_the_body(sealer: Sealer) -> None:
    draft = decision(
        1, session=b"\xaa" * 8, auth="kerberos", agent="Firefox 140", detail='{"to":"x"}'
    )
    body = sealer.seal(draft, CHANCE).body

    for name in PERSONAL_FIELDS:
        value = getattr(draft, name)
        text = value.hex() if isinstance(value, bytes) else value
        assert text
        assert text.encode() not in body, name


def test_entries_of_a_writer_are_numbered_and_chained(sealer: Sealer) -> None:
    sealed = [sealer.seal(decision(number), CHANCE) for number in range(3)]
    envelopes = [opened(each)[0] for each in sealed]

    assert [envelope["wseq"] for envelope in envelopes] == [1, 2, 3]
    assert [b64decode(envelope["prev"]) for envelope in envelopes] == [
        bytes(32),
        sealed[0].leaf,
        sealed[1].leaf,
    ]


def repeated(draft: EntryDraft, repetition: Repetition) -> EntryDraft:
    return repetition.draft(entry_id=draft.id, at_us=draft.at_us, reference=draft.reference)


def test_what_repeats_is_sealed_as_if_it_were_the_first(bench: RecordBench) -> None:
    one, other = Sealer(bench.key_ring, "worker-1"), Sealer(bench.key_ring, "worker-1")
    repetition = Repetition(decision(1, staff_id="a/1", inputs="read:1"))
    for number in range(3):
        draft = decision(1, id=bytes([number]) * 16, staff_id="a/1", inputs="read:1")

        assert one.seal(repeated(draft, repetition), CHANCE) == other.seal(draft, CHANCE)


SAID = st.sampled_from(["", "a/1", 'quo"te', "é", "x" * 300, "x" * 20_000, "a\udcffb"])
FACTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(Kind), "outcome": st.sampled_from(Outcome)},
    optional={
        **dict.fromkeys(PERSONAL_FIELDS, SAID),
        "session": st.binary(max_size=32),
        "regime": st.sampled_from(["", "GP", "LE"]),
        "code": SAID,
        "inputs": st.sampled_from(["read:1", 2**70, [1, {"a": None}]]),
        "obligations": st.lists(SAID, max_size=2).map(tuple),
        "status": st.sampled_from([0, 200]),
    },
)
# Of one visit each: chance, id, and an instant of two years.
VISITS = st.lists(
    st.tuples(
        st.tuples(st.binary(min_size=16, max_size=16), st.just(b"once" * 3), st.just(b"salt" * 4)),
        st.binary(min_size=16, max_size=16),
        st.integers(0, 2 * 365 * 86_400_000_000),
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(facts=FACTS, visits=VISITS)
def test_whatever_repeats_is_sealed_as_if_it_were_the_first(
    bench: RecordBench, facts: dict[str, Any], visits: list[tuple[Chance, bytes, int]]
) -> None:
    """Shortened too, of nobody too, and in whichever month."""
    one, other = Sealer(bench.key_ring, "worker-1"), Sealer(bench.key_ring, "worker-1")
    repetition = Repetition(EntryDraft(at_us=START_US, reference="R0", **facts))
    for number, (chance, entry_id, later_us) in enumerate(visits):
        draft = EntryDraft(id=entry_id, at_us=START_US + later_us, reference=f"R{number}", **facts)

        assert one.seal(repeated(draft, repetition), chance) == other.seal(draft, chance)
        assert one.position == other.position


def test_what_was_changed_after_it_repeated_is_sealed_as_it_is(sealer: Sealer) -> None:
    repetition = Repetition(decision(1))
    sealer.seal(repeated(decision(1), repetition), CHANCE)
    draft = repeated(decision(1), repetition)
    draft.outcome, draft.staff_id = Outcome.DENY, "cheshire-fire/another"
    envelope, _, index_columns = opened(sealer.seal(draft, CHANCE))

    assert envelope["outcome"] == "deny"
    assert (
        index_columns
        == opened(sealer.seal(decision(1, staff_id="cheshire-fire/another"), CHANCE))[2]
    )


def test_another_sealer_makes_its_own_of_what_repeats(tmp_path: Path) -> None:
    """What one has prepared holds pseudonyms under its key."""
    repetition = Repetition(decision(1))
    columns = []
    for name in ("one", "two"):
        sealer = Sealer(KeyRing.init(tmp_path / name), "worker-test-1")
        columns.append(opened(sealer.seal(repeated(decision(1), repetition), CHANCE))[2])

    assert columns[0][1:] != columns[1][1:]


def test_a_repetition_too_large_is_shortened(sealer: Sealer) -> None:
    large = decision(1, agent="x" * 100_000)
    envelope, _, _ = opened(sealer.seal(repeated(large, Repetition(large)), CHANCE))

    assert envelope["shortened"] == ["agent"]


def test_going_back_takes_the_same_numbers_again(sealer: Sealer) -> None:
    sealer.seal(decision(1), CHANCE)
    before = sealer.position
    first = sealer.seal(decision(2), CHANCE)
    sealer.restore(before)
    again = opened(sealer.seal(decision(3), CHANCE))[0]

    assert (again["wseq"], again["prev"]) == (
        opened(first)[0]["wseq"],
        opened(first)[0]["prev"],
    )


def test_the_envelope_commits_to_ciphertext_and_pseudonyms(sealer: Sealer) -> None:
    envelope, ciphertext, index_columns = opened(sealer.seal(decision(1), CHANCE))

    assert b64decode(envelope["ct_sha256"]) == hashlib.sha256(ciphertext).digest()
    assert b64decode(envelope["index_root"]) == hashlib.sha256(b"".join(index_columns)).digest()


def test_an_entry_without_persons_has_neither(sealer: Sealer) -> None:
    draft = decision(1)
    result = draft.result(Outcome.PERMIT, at_us=draft.at_us)
    envelope, ciphertext, index_columns = opened(sealer.seal(result, CHANCE))

    assert (ciphertext, index_columns) == (b"", (NO_PSEUDONYM,) * 3)
    assert not {"kid", "kc", "ct_sha256", "fields_root", "index_root"} & envelope.keys()


def test_a_pseudonym_depends_on_key_role_and_person() -> None:
    of = Pseudonyms(b"k" * 32).of

    assert of("actor", "a/1") == of("actor", "a/1")
    assert len({of("actor", "a/1"), of("subject", "a/1"), of("actor", "a/2")}) == 3
    assert Pseudonyms(b"l" * 32).of("actor", "a/1") != of("actor", "a/1")
    assert of("actor", "") == NO_PSEUDONYM


@pytest.mark.parametrize(
    "facts",
    [
        {"agent": "x" * 100_000},
        {"target": "/" + "é" * 50_000, "detail": "y" * 50_000},
        {"inputs": ["z" * 1_000] * 100},
        {"rules": tuple(f"rule-{number}" for number in range(5_000))},
        {"route": "/" * 20_000, "code": "c" * 20_000, "roles": "r" * 20_000},
        dict.fromkeys(("agent", "auth", "target", "detail", "ip", "actor_name"), "q" * 5000),
    ],
    ids=["agent", "target", "inputs", "rules", "clear", "many"],
)
def test_a_large_entry_is_shortened_with_a_mark_and_not_lost(
    sealer: Sealer, facts: dict[str, Any]
) -> None:
    draft = decision(1, **facts)
    sealed = sealer.seal(draft, CHANCE)
    envelope, _, _ = opened(sealed)

    assert len(sealed.body) <= MAX_ENTRY_BYTES
    assert set(facts) == set(envelope["shortened"])
    assert envelope["reference"] == draft.reference
    assert envelope["function"] == "pay.slip"
    for name in set(facts) & envelope.keys():
        assert "shortened from" in str(envelope[name]) or "more]" in str(envelope[name])


@pytest.mark.parametrize(
    "facts",
    [
        {"agent": "a\udcffb"},
        {"route": "/\ud800"},
        {"bytes_out": 2**70},
        {"status": -(2**70)},
        {"inputs": {"a": 2**70}},
        {"inputs": {"a": object()}},
        {"staff_id": "cheshire-fire/\udc80"},
    ],
)
def test_what_json_cannot_hold_is_made_fit(sealer: Sealer, facts: dict[str, Any]) -> None:
    envelope, _, _ = opened(sealer.seal(decision(1, **facts), CHANCE))

    assert set(envelope["shortened"]) == set(facts)


def test_one_entry_that_cannot_be_sealed_takes_no_number_and_harms_no_other(
    sealer: Sealer,
) -> None:
    broken = EntryDraft(kind=Kind.ACCESS, at_us=2**80, id=bytes(16))
    sealed = sealer.seal_all([decision(1), broken, decision(2)])
    good = [item for item in sealed if isinstance(item, Sealed)]

    assert [opened(item)[0]["wseq"] for item in good] == [1, 2]
    assert "cannot be expressed" in str(sealed[1])


def test_two_seals_of_one_draft_share_no_randomness(sealer: Sealer) -> None:
    """Salts and nonces of different entries must never be equal."""
    first, second = sealer.seal_all([decision(1), decision(1)])
    assert isinstance(first, Sealed)
    assert isinstance(second, Sealed)

    assert opened(first)[1][:12] != opened(second)[1][:12]
    assert opened(first)[2][0] != opened(second)[2][0]
    assert b64encode(first.leaf) != b64encode(second.leaf)
