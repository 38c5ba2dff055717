"""Why something was permitted or refused: one closed list of reasons, in pairs.

Each pair says the good and the bad answer to one thing that was looked at. The codes are stored
in decisions, entries and refusal pages, so a code is never reused for another meaning.

`tellable` is whether the person who was refused may be told the reason. What is not tellable is
told as "a rule does not permit this", without saying which rule or what it looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Reason(StrEnum):
    """A reason, by its code."""

    FUNCTION_KNOWN = "function-known"
    FUNCTION_UNKNOWN = "function-unknown"
    AGREEMENT_IN_FORCE = "agreement-in-force"
    NO_AGREEMENT = "no-agreement"
    CLEARANCE_REACHED = "clearance-reached"
    CLEARANCE_TOO_LOW = "clearance-too-low"
    RECORD_WITHIN_CLEARANCE = "record-within-clearance"
    RECORD_BEYOND_CLEARANCE = "record-beyond-clearance"
    RULE_PERMITS = "rule-permits"
    NO_RULE_PERMITS = "no-rule-permits"
    NO_RULE_DENIES = "no-rule-denies"
    RULE_DENIES = "rule-denies"
    RULES_ANSWERED = "rules-answered"
    RULE_IN_ERROR = "rule-in-error"
    OBLIGATIONS_FULFILLED = "obligations-fulfilled"
    OBLIGATION_NOT_FULFILLED = "obligation-not-fulfilled"
    SECOND_FACTOR_GIVEN = "second-factor-given"
    SECOND_FACTOR_NEEDED = "second-factor-needed"
    ORGANISATION_NAMED = "organisation-named"
    ORGANISATION_NOT_NAMED = "organisation-not-named"
    KIND_NAMED = "organisation-kind-named"
    KIND_NOT_NAMED = "organisation-kind-not-named"
    POST_HELD = "post-held"
    POST_NOT_HELD = "post-not-held"
    UNIT_NAMED = "unit-named"
    UNIT_NOT_NAMED = "unit-not-named"
    VETTING_REACHED = "vetting-reached"
    VETTING_TOO_LOW = "vetting-too-low"
    APPOINTED = "appointed"
    NOT_APPOINTED = "not-appointed"
    OWN_RECORD = "own-record"
    NOT_OWN_RECORD = "not-own-record"
    OWN_TEAM = "own-team"
    NOT_OWN_TEAM = "not-own-team"
    OWN_ORGANISATION = "own-organisation"
    NOT_OWN_ORGANISATION = "not-own-organisation"
    FACTOR_USED = "factor-used"
    FACTOR_NOT_USED = "factor-not-used"
    UNDER_AGREEMENT = "under-agreement"
    NOT_UNDER_AGREEMENT = "not-under-agreement"
    PERIOD_RUNNING = "period-running"
    PERIOD_NOT_RUNNING = "period-not-running"
    WITHIN_HOURS = "within-hours"
    OUTSIDE_HOURS = "outside-hours"
    ZONE_NAMED = "zone-named"
    ZONE_NOT_NAMED = "zone-not-named"
    FACTOR_RECENT = "factor-recent"
    FACTOR_NOT_RECENT = "factor-not-recent"
    TRAINING_HELD = "training-held"
    TRAINING_NOT_HELD = "training-not-held"
    PURPOSE_GIVEN = "purpose-given"
    PURPOSE_NEEDED = "purpose-needed"
    READING_ONLY = "reading-only"
    READ_ONLY = "read-only"
    RATE_KEPT = "rate-kept"
    RATE_EXCEEDED = "rate-exceeded"
    PAGE_KNOWN = "page-known"
    PAGE_UNKNOWN = "page-unknown"
    PAGE_OF_FUNCTION = "page-of-this-function"
    PAGE_OF_ANOTHER = "page-of-another-function"

    @property
    def opposite(self) -> "Reason":
        """The other half of the pair."""
        for good, bad in REASON_PAIRS:
            if self is good:
                return bad
            if self is bad:
                return good
        raise AssertionError(f"reason `{self}` stands in no pair")

    @property
    def good(self) -> bool:
        """Whether this half of the pair speaks for the access."""
        return any(self is pair[0] for pair in REASON_PAIRS)

    @property
    def telling(self) -> "Telling":
        """What the person is told, and whether they may be told this at all."""
        return _TELLINGS.get(self, _NOT_TELLABLE)

    @property
    def tellable(self) -> bool:
        """Whether the person who was refused may be told this reason."""
        return self in _TELLINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Plain words for the person: what is so, what they can do, and whom to ask.

    Attributes:
        sentence: What is so.
        remedy: What they can do about it.
        whom: Key of the contact to show: `own-organisation` (the help contact of their employer),
            `host-vetting` (the host's vetting unit), `host-help` (the host's service desk), or
            empty when nobody needs to be asked.
    """

    sentence: str
    remedy: str
    whom: str


REASON_PAIRS = tuple(zip(tuple(Reason)[::2], tuple(Reason)[1::2], strict=True))
"""The reasons two by two: (speaks for the access, speaks against it)."""

_NOT_TELLABLE = Telling(
    sentence="Your organisation's arrangement does not give you this.",
    remedy="If you need it for your work, ask your manager or your organisation's contact.",
    whom="own-organisation",
)

_TELLINGS: Mapping[Reason, Telling] = MappingProxyType(
    {
        Reason.CLEARANCE_TOO_LOW: Telling(
            sentence="This needs vetting that you do not hold.",
            remedy="Ask your manager whether your post should have it; the vetting unit grants it.",
            whom="host-vetting",
        ),
        Reason.RECORD_BEYOND_CLEARANCE: Telling(
            sentence="With your vetting you can see your own record, and not another person's.",
            remedy="Ask the person who looks after this record to do it for you.",
            whom="own-organisation",
        ),
        Reason.NO_RULE_PERMITS: _NOT_TELLABLE,
        Reason.OBLIGATION_NOT_FULFILLED: Telling(
            sentence="One more step is needed before this opens, and it cannot be taken here yet.",
            remedy="Ask the service desk how to take it.",
            whom="host-help",
        ),
        Reason.SECOND_FACTOR_NEEDED: Telling(
            sentence="This needs a second proof of who you are, besides your password.",
            remedy="Open it from your services: you are then asked for a code or a security key.",
            whom="host-help",
        ),
        Reason.VETTING_TOO_LOW: Telling(
            sentence="This needs vetting that you do not hold.",
            remedy="Ask your manager whether your post should have it; the vetting unit grants it.",
            whom="host-vetting",
        ),
        Reason.POST_NOT_HELD: Telling(
            sentence="This is for people in particular posts, and yours is not one of them.",
            remedy="If you have changed post, ask your organisation to correct its directory.",
            whom="own-organisation",
        ),
        Reason.UNIT_NOT_NAMED: Telling(
            sentence="This is for people in particular units, and yours is not one of them.",
            remedy="If you have moved, ask your organisation to correct its directory.",
            whom="own-organisation",
        ),
        Reason.NOT_APPOINTED: Telling(
            sentence="This is for people who are appointed to a role in this service.",
            remedy="The host's security officer makes appointments.",
            whom="host-help",
        ),
        Reason.NOT_OWN_RECORD: Telling(
            sentence="You can see your own record here, and not another person's.",
            remedy="Open it from the list of your services, without naming a person.",
            whom="",
        ),
        Reason.NOT_OWN_TEAM: Telling(
            sentence="You can see the people who report to you here, and nobody else.",
            remedy="If this person reports to you, ask your organisation to correct its directory.",
            whom="own-organisation",
        ),
        Reason.NOT_OWN_ORGANISATION: Telling(
            sentence="You can see records of your own organisation here, and no other.",
            remedy="Ask the other organisation for what you need.",
            whom="own-organisation",
        ),
        Reason.FACTOR_NOT_USED: Telling(
            sentence="You have not signed in strongly enough for this.",
            remedy="Show a second factor, then try again.",
            whom="host-help",
        ),
        Reason.PERIOD_NOT_RUNNING: Telling(
            sentence="This was arranged for a period that is not running now.",
            remedy="Ask your organisation's contact whether it will be arranged again.",
            whom="own-organisation",
        ),
        Reason.OUTSIDE_HOURS: Telling(
            sentence="This is open on certain days and at certain hours, and not now.",
            remedy="Try again during its hours; your organisation's contact knows them.",
            whom="own-organisation",
        ),
        Reason.ZONE_NOT_NAMED: Telling(
            sentence="This is open from particular networks, and you are not connected from one.",
            remedy="Open it from your place of work, or connect as your organisation tells you to.",
            whom="own-organisation",
        ),
        Reason.FACTOR_NOT_RECENT: Telling(
            sentence="You have not shown a second proof of who you are lately enough for this.",
            remedy="Sign out, sign in again with your code or security key, then open it.",
            whom="host-help",
        ),
        Reason.TRAINING_NOT_HELD: Telling(
            sentence="This needs a training that you have not done, or whose date has passed.",
            remedy="Ask your manager which training it is, and whether yours has been entered.",
            whom="own-organisation",
        ),
        Reason.PURPOSE_NEEDED: Telling(
            sentence="Before this opens you have to say what you need it for.",
            remedy="Open it from your services: you are then asked to choose a purpose.",
            whom="host-help",
        ),
        Reason.READ_ONLY: Telling(
            sentence="You may look at this and not change it.",
            remedy="Ask somebody who may change it to do so for you.",
            whom="own-organisation",
        ),
        Reason.RATE_EXCEEDED: Telling(
            sentence="You have used this as often as you may in so short a time.",
            remedy="Wait a while, then try again.",
            whom="own-organisation",
        ),
        Reason.PAGE_UNKNOWN: Telling(
            sentence="This page was not opened since you signed in, so it cannot be sent.",
            remedy="Open it again from your services, then fill it in there.",
            whom="host-help",
        ),
        Reason.PAGE_OF_ANOTHER: Telling(
            sentence="The page you sent was opened for something else.",
            remedy="Open this from your services, and fill in the page that it shows.",
            whom="host-help",
        ),
    }
)
