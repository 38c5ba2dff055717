"""The clear fields of an entry as JSON text, in the one order in which they always stand."""

from typing import Final, NamedTuple

import orjson

from gateway.audit.entry import EntryDraft

ENTRY_VERSION = 1
# The clear fields of what repeats, whose reference is not empty: id in hexadecimal, instant, what
# stands before the reference, the reference as JSON, what stands after it.
REPEATED_TEXT: Final = b'{"v":%d' % ENTRY_VERSION + b',"id":"%b","time":%d%b,"reference":%b%b'


class TextAround(NamedTuple):
    """What entries say alike each time, around their id, their instant and their reference."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, draft: EntryDraft) -> "TextAround":
        """Take it from one of them.

        Raises:
            TypeError, ValueError, OverflowError: A value cannot be expressed.
        """
        fields = clear_fields(draft)
        for name in ("v", "id", "time", "reference"):
            fields.pop(name, None)
        before = {name: fields.pop(name) for name in ("kind", "phase", "outcome")}
        after = b"," + orjson.dumps(fields)[1:-1] if fields else b""
        return cls(b"," + orjson.dumps(before)[1:-1], after)


def clear_text(draft: EntryDraft) -> bytes:
    """Write the fields that are filled in, as a JSON object without its closing brace.

    Raises:
        TypeError, ValueError, OverflowError: A value cannot be expressed.
    """
    return orjson.dumps(clear_fields(draft))[:-1]


def clear_fields(draft: EntryDraft) -> dict[str, object]:  # noqa: C901, PLR0912, PLR0915
    """Collect the clear fields that are filled in.

    One `if` a field: a loop over names would cost three times as much, on every request twice.
    """
    envelope: dict[str, object] = {
        "v": ENTRY_VERSION,
        "id": draft.id.hex(),
        "time": draft.at_us,
        "kind": draft.kind,
        "phase": draft.phase,
        "outcome": draft.outcome,
    }
    if draft.reference:
        envelope["reference"] = draft.reference
    if draft.corr:
        envelope["corr"] = draft.corr.hex()
    if draft.op:
        envelope["op"] = draft.op
    if draft.code:
        envelope["code"] = draft.code
    if draft.organisation:
        envelope["organisation"] = draft.organisation
    if draft.vetting:
        envelope["vetting"] = draft.vetting
    if draft.vetting_expires:
        envelope["vetting_expires"] = draft.vetting_expires
    if draft.roles:
        envelope["roles"] = draft.roles
    if draft.function:
        envelope["function"] = draft.function
    if draft.regime:
        envelope["regime"] = draft.regime
    if draft.classification:
        envelope["classification"] = draft.classification
    if draft.system:
        envelope["system"] = draft.system
    if draft.agreement:
        envelope["agreement"] = draft.agreement
    if draft.rules:
        envelope["rules"] = draft.rules
    if draft.policy:
        envelope["policy"] = draft.policy
    if draft.obligations:
        envelope["obligations"] = draft.obligations
    if draft.method:
        envelope["method"] = draft.method
    if draft.route:
        envelope["route"] = draft.route
    if draft.status:
        envelope["status"] = draft.status
    if draft.bytes_in:
        envelope["bytes_in"] = draft.bytes_in
    if draft.bytes_out:
        envelope["bytes_out"] = draft.bytes_out
    if draft.duration_us:
        envelope["duration_us"] = draft.duration_us
    if draft.recipient:
        envelope["recipient"] = draft.recipient
    if draft.count != 1:
        envelope["count"] = draft.count
    if draft.inputs is not None:
        envelope["inputs"] = draft.inputs
    if draft.closes:
        envelope["closes"] = draft.closes
    return envelope
