"""What one line of the record says, before it is sealed.

An `EntryDraft` is filled in by whoever knows the facts; the recorder gives it its place (writer,
sequence, chain), encrypts what is personal and makes it durable. Three classes of field:

clear      in the envelope that is hashed: never a person, never a value from a request
pseudonym  a keyed pseudonym in an index column, the value itself encrypted: `staff_id`, `subject`
encrypted  `actor_name`, `session`, `auth`, `ip`, `agent`, `target`, `detail`
"""

import os
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

JsonValue: TypeAlias = (
    "str | int | float | bool | list[JsonValue] | tuple[JsonValue, ...] | dict[str, JsonValue]"
    " | None"
)

# Of a visit that ended as permitted: id of its decision in hexadecimal, when it ended, status,
# bytes out, bytes in, duration; times in microseconds.
Closing: TypeAlias = tuple[str, int, int, int, int, int]

_new_object, _set_attribute = object.__new__, object.__setattr__

REFERENCE_LENGTH = 10
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two characters at a time: a reference is five look-ups of ten random bits.
REFERENCE_PAIRS = tuple(high + low for high in CROCKFORD for low in CROCKFORD)


class Kind(StrEnum):
    """What sort of act an entry is about; a new one stands last, as the log keeps their places."""

    ACCESS = "access"
    SIGNIN = "signin"
    SIGNOUT = "signout"
    POLICY_EDIT = "policy_edit"
    VETTING_CHANGE = "vetting_change"
    KEY_OP = "key_op"
    EXPORT = "export"
    AUDIT_QUERY = "audit_query"
    SYSTEM = "system"
    HEARTBEAT = "heartbeat"
    LEAK = "leak"


class Phase(StrEnum):
    """A result closes a decision, which its `corr` names; all that stands alone is a decision."""

    DECISION = "decision"
    RESULT = "result"


class Outcome(StrEnum):
    """How it ended; `UNKNOWN` closes a visit whose process died."""

    PERMIT = "permit"
    DENY = "deny"
    ERROR = "error"
    UNKNOWN = "unknown"


class Repetition:
    """What entries say alike each time, with what whoever seals them has made of it.

    Attributes:
        facts: The `vars` of a whole draft; they stay as they are.
        prepared: Left here by whoever sealed one of them, for the next; its first item is who.
    """

    __slots__ = ("facts", "prepared")

    def __init__(self, draft: "EntryDraft") -> None:
        """Take the facts of a whole draft."""
        # With a place for what each draft puts there: a dictionary that grows is made twice.
        self.facts: dict[str, Any] = {**vars(draft), "repetition": None}
        self.prepared: tuple[Any, ...] = (None,)

    def draft(self, *, entry_id: bytes, at_us: int, reference: str) -> "EntryDraft":
        """Draft one more of these entries, of which all but this is known.

        At a tenth of the cost of giving it every field.
        """
        draft = _new_object(_RepeatedDraft)
        whole = self.facts.copy()
        whole["id"] = entry_id
        whole["at_us"] = at_us
        whole["reference"] = reference
        whole["repetition"] = self
        _set_attribute(draft, "__dict__", whole)
        return draft


@dataclass(kw_only=True)
class EntryDraft:
    """An entry still being filled in; every field but the first two has a default.

    Not frozen: the pipeline learns the facts of a visit one after the other. Do not change a draft
    after it was handed to the recorder. Without slots, so that one is soon made from known facts.

    Attributes:
        kind: What sort of act.
        at_us: When, in microseconds UTC.
        id: UUID version 7 of `at_us`, at whose time it is looked for; made here, 16 bytes. The same
            draft twice is one entry.
        corr: For a result, the `id` of its decision.
        op: One of the six operations of DPA 2018 s.62, or empty.
        code: The reason, as a code (`clearance-too-low`).
        staff_id: `<organisation>/<directory id>` of the actor; pseudonymised and encrypted.
        vetting: Levels held, clear (`DBSB RV`).
        vetting_expires: The earliest end among them, as a date.
        route: The pattern that matched, never values.
        subject: Whose data, as `<organisation>/<employee number>`; pseudonymised and encrypted.
        recipient: The organisation to which something was disclosed.
        session: A hash of the session id; encrypted.
        auth: How the actor signed in; encrypted.
        target: The canonical path and the names of parameters, no values; encrypted.
        detail: Anything else personal, as JSON text; encrypted.
        count: How many like events this entry stands for.
        inputs: Compact results of the decision, clear; from them it can be explained again.
        closes: How visits ended that ended as permitted; their decisions say the rest.
    """

    kind: Kind
    at_us: int
    phase: Phase = Phase.DECISION
    outcome: Outcome = Outcome.DENY
    reference: str = ""
    id: bytes = b""
    corr: bytes | None = None
    op: str = ""
    code: str = ""
    organisation: str = ""
    staff_id: str = ""
    actor_name: str = ""
    vetting: str = ""
    vetting_expires: str = ""
    roles: str = ""
    function: str = ""
    regime: str = ""
    classification: str = ""
    system: str = ""
    agreement: str = ""
    rules: tuple[str, ...] = ()
    policy: str = ""
    obligations: tuple[str, ...] = ()
    method: str = ""
    route: str = ""
    status: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    duration_us: int = 0
    subject: str = ""
    recipient: str = ""
    session: bytes = b""
    auth: str = ""
    ip: str = ""
    agent: str = ""
    target: str = ""
    detail: str = ""
    count: int = 1
    inputs: JsonValue = None
    closes: tuple[Closing, ...] = ()

    repetition: ClassVar[Repetition | None] = None

    def __post_init__(self) -> None:
        if not self.id:
            self.id = new_entry_id(self.at_us)

    def result(self, outcome: Outcome, *, at_us: int) -> "EntryDraft":
        """Draft the result that closes this decision; the caller adds status, bytes and duration.

        It names no person: `corr` leads to the decision, which does. Its id has the chance of the
        decision's, one bit turned, so that closing a visit draws none.
        """
        return EntryDraft(
            id=((at_us // 1000) & 0xFFFF_FFFF_FFFF).to_bytes(6, "big")
            + self.id[6:15]
            + bytes((self.id[15] ^ 1,)),
            kind=self.kind,
            at_us=at_us,
            phase=Phase.RESULT,
            outcome=outcome,
            reference=self.reference,
            corr=self.id,
            organisation=self.organisation,
            function=self.function,
        )


class _RepeatedDraft(EntryDraft):
    """A draft of known facts; once changed, it repeats nothing."""

    def __setattr__(self, name: str, value: object) -> None:
        vars(self).update({"repetition": None, name: value})

    def __eq__(self, other: object) -> bool:
        """Tell whether two drafts say the same."""
        if not isinstance(other, EntryDraft):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _FIELD_NAMES)

    __hash__ = None  # type: ignore[assignment]  # as of any draft


_FIELD_NAMES = tuple(field.name for field in fields(EntryDraft))


def new_draft(
    kind: Kind,
    outcome: Outcome,
    *,
    at_us: int,
    phase: Phase = Phase.DECISION,
    reference: str | None = None,
) -> EntryDraft:
    """Draft an entry with a fresh id, and a fresh reference unless the visit already has one."""
    return EntryDraft(
        kind=kind,
        at_us=at_us,
        phase=phase,
        outcome=outcome,
        reference=new_reference(at_us) if reference is None else reference,
    )


def new_reference(at_us: int) -> str:
    """Make a reference for an instant in microseconds UTC: 10 Crockford base-32 characters.

    A person reads it out over the telephone, so it has no letters I, L, O, U. The first four tell
    the second, of about twelve days; the others are 30 bits from the system's generator. So those
    of one moment lie side by side in the log's index: each on a page of its own would cost more
    to write than the entry. It is no secret, and gives nobody access to what it names.
    """
    return reference_from(at_us, os.urandom(4))


def reference_from(at_us: int, chance: bytes) -> str:
    """Make a reference of an instant and 4 random bytes, 2 of whose bits are left out."""
    bits = int.from_bytes(chance, "big")
    pairs = REFERENCE_PAIRS
    return (
        reference_second(at_us // 1_000_000)
        + pairs[(bits >> 20) & 1023]
        + pairs[(bits >> 10) & 1023]
        + pairs[bits & 1023]
    )


def reference_second(second: int) -> str:
    """Give the first characters of the references of a second since 1970."""
    return REFERENCE_PAIRS[(second >> 10) & 1023] + REFERENCE_PAIRS[second & 1023]


def new_entry_id(at_us: int) -> bytes:
    """Make a UUID version 7 (RFC 9562 section 5.7) for an instant in microseconds UTC."""
    return entry_id_from(at_us, os.urandom(10))


def entry_id_from(at_us: int, chance: bytes) -> bytes:
    """Make a UUID version 7 of an instant and 10 random bytes."""
    random_bits = int.from_bytes(chance, "big")
    return (
        ((at_us // 1000) & 0xFFFF_FFFF_FFFF) << 80
        | 0x7000_8000_0000_0000_0000
        | (random_bits & 0x0FFF_3FFF_FFFF_FFFF_FFFF)
    ).to_bytes(16, "big")
