"""A function: one named act of the back office, what it asks for and which requests mean it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.errors import PolicyError
from policies.request_body import BodyKind
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.answer_rules import MenuRule
    from policies.transactions import TransactionRule
    from vetting.requirement import Requirement

# Functions of this system are the gateway's own pages, which no agreement has to offer.
GATEWAY_SYSTEM = "gateway"


class Classification(StrEnum):
    """Marking of what a function shows; nothing SECRET is reachable, so SECRET is not a member."""

    OFFICIAL = "OFFICIAL"
    OFFICIAL_SENSITIVE = "OFFICIAL-SENSITIVE"


class Regime(StrEnum):
    """Regime of the Data Protection Act 2018: general processing or law enforcement."""

    GP = "GP"
    LE = "LE"


class Scope(StrEnum):
    """Whose records a function is about, for people and findings; rules are what hold it up."""

    OWN = "own"
    OWN_ORGANISATION_TEAM = "own-organisation-team"
    OWN_ORGANISATION_UNIT = "own-organisation-unit"
    OWN_COMPANY = "own-company"
    TEAM = "team"
    UNIT = "unit"
    CASE = "case"
    ORGANISATION = "organisation"
    ALL = "all"
    PLATFORM = "platform"


class Action(StrEnum):
    """What rules distinguish: looking and changing."""

    READ = "read"
    WRITE = "write"


class Operation(StrEnum):
    """The operations that have to be logged (Data Protection Act 2018 s.62)."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"


class RecordPlace(StrEnum):
    """Where a request names the person whose record it is about."""

    QUERY = "query"
    FORM = "form"
    JSON = "json"
    PATH = "path"


SECOND_FACTOR = "second-factor"
"""The factor that `step-up` asks for."""

STEP_UP_MINUTES = 15
"""How old a second factor may be where the catalogue says nothing else."""

MOST_STEP_UP_MINUTES = 480

MOST_BODY_MIB = 1_048_576

_MICROSECONDS = 60_000_000  # of a minute
_MEBIBYTE = 1024 * 1024

NO_BODIES: frozenset[BodyKind] = frozenset()
"""The bodies of a request that may have none."""

_FORMS = frozenset({BodyKind.FORM})

WEBSOCKET = "WEBSOCKET"
"""Stands among methods for a GET that is upgraded to WebSocket (RFC 6455). Its action is writing:
what is said over it nobody reads."""

# What a method does to a record unless a matcher says otherwise; a method that is not here may not
# be matched.
OPERATION_OF_METHOD: Mapping[str, Operation] = MappingProxyType(
    {
        "GET": Operation.CONSULTATION,
        "POST": Operation.COLLECTION,
        "PUT": Operation.ALTERATION,
        "PATCH": Operation.ALTERATION,
        "DELETE": Operation.ERASURE,
        WEBSOCKET: Operation.CONSULTATION,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordParameter:
    """The parameter that names a person (employee number) in a function's requests.

    Attributes:
        name: the parameter's name, or the name between braces in the path.
        where: any of the query, the form and a JSON body, of which a request uses one; or the path.
    """

    name: str
    where: frozenset[RecordPlace]

    def __post_init__(self) -> None:
        if not self.where:
            raise PolicyError(f"record `{self.name}`: no place is named")
        if RecordPlace.PATH in self.where and len(self.where) > 1:
            raise PolicyError(
                f"record `{self.name}`: a path cannot share its name with a parameter"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One kind of request that means a function.

    Attributes:
        methods: methods in capitals, and `WEBSOCKET`; HEAD is implied by GET.
        path: literal, or with `{name}` for one whole segment and a last `*` for one or more.
        query: carriers in the query and their values.
        form: carriers in the form and their values.
        json: carriers among the outermost members of a JSON body and their values.
        bodies: kinds of body that such a request may have; None where the file does not say.
        operation: what is logged instead of the method's own operation, e.g. disclosure for a
            download.
    """

    methods: frozenset[str]
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    form: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    json: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bodies: frozenset[BodyKind] | None = None
    operation: Operation | None = None

    def __post_init__(self) -> None:
        if not self.methods or not self.methods <= OPERATION_OF_METHOD.keys():
            raise PolicyError(f"matcher: methods of {quoted(self.path)} are not of the known ones")
        if not self.query.keys().isdisjoint(self.form):
            raise PolicyError(f"matcher: a carrier of {quoted(self.path)} is in query and form")
        if self.json and (self.form or not self.query.keys().isdisjoint(self.json)):
            raise PolicyError(
                f"matcher: JSON carriers of {quoted(self.path)} stand beside others of their name, "
                "or beside a form"
            )

    def bodies_of(self, method: str) -> frozenset[BodyKind]:
        """Give the kinds of body that such a request may have; a GET has none, whatever is said."""
        if method == "GET":
            return NO_BODIES
        if self.bodies is not None:
            return self.bodies
        return NO_BODIES if method in {"DELETE", WEBSOCKET} else _FORMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One thing the back office does.

    Attributes:
        id: e.g. `pay.slip`; never reused.
        title: as the portal shows it.
        area: what the portal groups by.
        classification: marking of what it shows.
        regime: part of the Data Protection Act it falls under.
        floor: least requirement of clearance, for records of the host.
        floor_by_owner: floors that differ for records of other organisations, by organisation id.
        scope: whose records it is about.
        system: id of the upstream that serves it, or `gateway`.
        matchers: the requests that mean it.
        entry: what its tile opens: path and query; None where it has no tile.
        obligations: what must be fulfilled besides, e.g. `step-up`.
        step_up_minutes: how old a second factor may be where `step-up` is asked for.
        record: the parameter that names another person; None where none can be named.
        transaction: how its requests name the page that was opened for it; None where they do not.
        menu: how it lists functions, of which people are shown their own; None where it does not.
        body_mib: the largest body of a request, in MiB; 0 for as much as the gateway passes on.
        note: for officers, on what the table cannot say.
        screening_suffices: why an employer's screening is enough for sensitive records of others;
            empty where it is not. Never true of records of a police organisation.
    """

    id: str
    title: str
    area: str
    classification: Classification
    regime: Regime
    floor: Requirement
    floor_by_owner: Mapping[str, Requirement] = field(default_factory=lambda: MappingProxyType({}))
    scope: Scope
    system: str
    matchers: tuple[Matcher, ...]
    entry: str | None = None
    obligations: tuple[str, ...] = ()
    step_up_minutes: int = STEP_UP_MINUTES
    record: RecordParameter | None = None
    transaction: TransactionRule | None = None
    menu: MenuRule | None = None
    body_mib: int = 0
    note: str = ""
    screening_suffices: str = ""

    @property
    def step_up_limit_us(self) -> int:
        """How old a second factor may be where a step-up is asked for, in microseconds."""
        return self.step_up_minutes * _MICROSECONDS

    def body_limit(self, passed_on: int) -> int:
        """Give the largest body of a request in bytes, where so many are passed on at the most."""
        return min(self.body_mib * _MEBIBYTE, passed_on) if self.body_mib else passed_on

    @property
    def shows_sensitive_records_of_others(self) -> bool:
        """Whether more than an employer's screening is to be expected of whoever opens it."""
        return (
            self.classification is Classification.OFFICIAL_SENSITIVE and self.scope is not Scope.OWN
        )

    def fresh_factors(
        self, factors: frozenset[str], shown_at_us: int | None, at_us: int
    ) -> frozenset[str]:
        """Give the factors that count here: a second factor shown too long ago does not.

        Args:
            factors: how the person proved who they are.
            shown_at_us: when the second factor was last shown, microseconds since 1970 UTC.
            at_us: the instant of the question.
        """
        if not self.obligations or SECOND_FACTOR not in factors:
            return factors
        if shown_at_us is not None and 0 <= at_us - shown_at_us < self.step_up_limit_us:
            return factors
        return factors - {SECOND_FACTOR}

    def floors_for(self, owner: str | None) -> tuple[Requirement, ...]:
        """Give the floors that must all be met for a record.

        Args:
            owner: id of the organisation whose record it is; None where the request does not tell,
                and then every floor applies, because levels have no single highest one.
        """
        if owner is None:
            return (self.floor, *self.floor_by_owner.values())
        return (self.floor_by_owner.get(owner, self.floor),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The function that a request means.

    Attributes:
        function: the function.
        action: read for GET and HEAD, write for every other method.
        operation: what is logged.
        route: the pattern with the carriers, for the log; never a value that a person chose.
        bodies: kinds of body that the request may have.
        record_person: employee number that the request names; None for one's own record.
        bindings: segments of the path by the name between braces, as sent.
        transaction: what the request names as the page it belongs to; empty where it names none.
    """

    function: Function
    action: Action
    operation: Operation
    route: str
    bodies: frozenset[BodyKind] = NO_BODIES
    record_person: str | None = None
    bindings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    transaction: str = ""
