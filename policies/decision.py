"""The answer to a question: effect, the gate where it ended, and compact results.

A decision carries the result of every criterion of every rule that could have applied, as bits.
Together with the policy set of the same digest they expand into the complete reasons, at once or
from the log years later (`policies.explanation`). The text form of the results is what an entry
keeps; it holds no personal data.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, NoReturn, Self
from urllib.parse import quote, unquote

from policies.errors import PolicyError
from policies.obligations import Obligations
from policies.reasons import Reason


class Effect(StrEnum):
    """What a decision does, and what a rule says. There is no third."""

    PERMIT = "permit"
    DENY = "deny"


class Gate(StrEnum):
    """The gates in the order they are asked; a decision ends at the first that fails."""

    FUNCTION = "function"
    AGREEMENT = "agreement"
    CLEARANCE = "clearance"
    RULE = "rule"
    OBLIGATION = "obligation"
    PERMITTED = "permitted"


class Ending(NamedTuple):
    """How a decision ends, by the gates: what `Decision` says under the same names."""

    effect: Effect
    gate: Gate
    reason: Reason
    rule_ids: tuple[str, ...]
    obligations: Obligations


class ResultsTextError(PolicyError):
    """A recorded text of results that this version does not understand."""


_TEXT_VERSION = "1"
_FIELDS_IN_TEXT = 11
_TEXTS_KEPT = 4_096
_LONGEST_TEXT = 20_000
"""Characters; 20,000 rules of one function would take fewer. Longer is not ours."""


class Results(NamedTuple):
    """What was found, compactly. Bit positions are those of the compiled candidates.

    A named tuple and not a dataclass, because one is made for every request: as a frozen
    dataclass it would cost four times as much, a fifth of the whole decision.

    Attributes:
        action: The action asked for.
        organisation: The subject's organisation; with `kind` it selects the candidate rules.
        kind: The kind of the subject's organisation.
        owner: Organisation whose floor was asked; `?` when the owner could not be told.
        named: What the request names: 0 nobody or the subject, 1 another person of the subject's
            organisation, 2 a person of another organisation or of one that cannot be told.
        reach: Bits of every level the subject's usable grants satisfy.
        fulfilled: Bits of the obligations that apply and are fulfilled (`obligations.BIT_OF`).
        met: Bits of the criteria that are met.
        unknown: Bits of the criteria that could not be answered.
        failed: Bits of the criteria that raised an error. Any such bit denies.
    """

    action: str
    organisation: str
    kind: str
    owner: str
    named: int
    reach: int
    fulfilled: int
    met: int
    unknown: int
    failed: int

    def to_text(self) -> str:
        """Write the short ASCII form that an entry keeps."""
        return _text_of(self)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the short form back.

        Raises:
            ResultsTextError: if the text is not exactly what `to_text` writes.
        """
        fields = text[:_LONGEST_TEXT].split(":")
        if len(fields) != _FIELDS_IN_TEXT or fields[0] != _TEXT_VERSION:
            raise ResultsTextError(f"results: `{text[:40]}` is not a text of results")
        action, organisation, kind, owner = map(unquote, fields[1:5])
        try:
            numbers = tuple(int(field, 16) for field in fields[5:])
        except ValueError as error:
            raise ResultsTextError(f"results: `{text[:40]}` holds a broken number") from error
        results = cls(action, organisation, kind, owner, *numbers)
        # One form only: signs, spaces, capitals and leading zeros would be a second reading.
        if min(numbers) < 0 or results.to_text() != text:
            raise ResultsTextError(f"results: `{text[:40]}` is not in the written form")
        return results


@lru_cache(maxsize=_TEXTS_KEPT)
def _text_of(results: Results) -> str:
    """Write results as text; kept, as people of one kind have few different results."""
    words = (results.action, results.organisation, results.kind, results.owner)
    fields = [_TEXT_VERSION, *(quote(word, safe="") for word in words)]
    fields.extend(f"{number:x}" for number in results[len(words) :])
    return ":".join(fields)


class Decision(NamedTuple):
    """The answer to one question. Made by the engine only.

    A named tuple for the same reason as `Results`.

    Attributes:
        effect: Permit or deny.
        gate: Where it ended; `PERMITTED` when every gate was passed.
        reason: The main reason, one of the pairs.
        function_id: The function that was asked for.
        agreement_id: The agreement that covers the caller's organisation, if one is in force.
        rule_ids: The rules that permitted, or at gate `RULE` the rules that denied.
        obligations: On permit everything that applies, for whoever enforces it; at gate
            `OBLIGATION` what is not fulfilled; otherwise none.
        results: Result of every criterion of every candidate rule, compactly.
        policy_digest: Digest of the policy set that decided.
        discloses: Whether what is read is disclosed to the caller's organisation, by the agreement.
    """

    effect: Effect
    gate: Gate
    reason: Reason
    function_id: str
    agreement_id: str | None
    rule_ids: tuple[str, ...]
    obligations: Obligations
    results: Results
    policy_digest: str
    discloses: bool = False

    def __bool__(self) -> NoReturn:
        """Refuse to be read as true or false: a refusal would be truthy."""
        raise TypeError("a decision has no truth value; ask `permitted`")

    @property
    def permitted(self) -> bool:
        """Whether access is permitted."""
        return self.effect is Effect.PERMIT
