"""The clear fields of an entry as JSON text, in the one order in which they always stand.

What one person's use of one function says in the clear is the same each time, but for its id, its
instant and its reference. So the rest is remembered as text, within a bound. The values themselves
decide whether it is the same: nothing that has changed is ever taken for what it was.
"""

import orjson

from gateway.audit.entry import EntryDraft

ENTRY_VERSION = 1
_REMEMBERED = 4_096


class ClearText:
    """Writes the clear fields. For one thread at a time."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._known: dict[tuple[object, ...], tuple[bytes, bytes]] = {}

    def of(self, draft: EntryDraft) -> bytes:
        """Write the fields that are filled in, as a JSON object without its closing brace.

        Raises:
            TypeError, ValueError, OverflowError: A value cannot be expressed.
        """
        reference = draft.reference
        if not (
            type(inputs := draft.inputs) is str
            and draft.corr is None
            and draft.count == 1
            and not (draft.status or draft.bytes_in or draft.bytes_out or draft.duration_us)
            and reference.isascii()
            and reference.isalnum()
        ):
            return orjson.dumps(clear_fields(draft))[:-1]
        key = (
            draft.code,
            draft.organisation,
            draft.function,
            draft.vetting,
            inputs,
            draft.route,
            draft.method,
            draft.rules,
            draft.agreement,
            draft.policy,
            draft.obligations,
            draft.kind,
            draft.phase,
            draft.outcome,
            draft.op,
            draft.vetting_expires,
            draft.roles,
            draft.regime,
            draft.classification,
            draft.system,
            draft.recipient,
            draft.closes,
        )
        around = self._known.get(key)
        if around is None:
            around = self._remember(key, draft)
        return b'{"v":%d,"id":"%b","time":%d,%b"reference":"%b"%b' % (
            ENTRY_VERSION,
            draft.id.hex().encode(),
            draft.at_us,
            around[0],
            reference.encode(),
            around[1],
        )

    def _remember(self, key: tuple[object, ...], draft: EntryDraft) -> tuple[bytes, bytes]:
        fields = clear_fields(draft)
        for name in ("v", "id", "time", "reference"):
            del fields[name]
        before = {name: fields.pop(name) for name in ("kind", "phase", "outcome")}
        around = orjson.dumps(before)[1:-1] + b",", b"," + orjson.dumps(fields)[1:-1]
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = around
        return around


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
