"""Turns the matchers of all functions into one table: path, then the carriers' values, then method.

Also finds every *clash*: a request that two functions claim. Exactness is settled here, before
anything is matched, so that matching never has to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policies.errors import PatternError
from policies.function import (
    OPERATION_OF_METHOD,
    Action,
    Function,
    Match,
    Matcher,
    RecordParameter,
    RecordPlace,
)
from policies.path_index import PathPattern
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from policies.request_body import JsonBody
    from policies.transactions import TransactionRule

Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path, the carriers' values and a method lead to.

    Attributes:
        plain: the match of a request that names no person and binds no segment.
        carriers: how many carriers the matcher names.
    """

    plain: Match
    carriers: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is known about one path pattern; filled while the table is made, then never changed.

    Attributes:
        carriers: names of the parameters that carry the function here, in a fixed order.
        watched: these and the parameters that name persons, by their folded spelling.
        reads_form: whether a request that can change something is matched together with its form.
        targets: by the carriers' values in the query, then by `of_body`, then by method.
        by_transaction: by function and method, what a request would say to name a function whose
            transactions name it; None where more than one of its matchers could be meant.
        transactions: how the systems served here name them.
    """

    carriers: tuple[str, ...]
    watched: Mapping[str, str]
    reads_form: bool
    targets: dict[Values, dict[Values, dict[str, Target]]]
    by_transaction: dict[tuple[str, str], tuple[tuple[str, str], ...] | None] = field(
        default_factory=dict
    )
    transactions: set[TransactionRule] = field(default_factory=set)

    def pick(self, pairs: Iterable[tuple[str, str | None]]) -> dict[str, str] | None:
        """Pick the watched parameters out; None where one is repeated, unusable or re-spelt."""
        picked: dict[str, str] = {}
        for name, value in pairs:
            declared = self.watched.get(name.casefold())
            if declared is None:
                continue
            if name != declared or name in picked or value is None:
                return None
            picked[name] = value
        return picked

    def pick_json(self, body: JsonBody) -> dict[str, str] | None:
        """Pick the watched members out; None too where one stands further inside."""
        if not body.inner.isdisjoint(self.watched.values()):
            return None
        return self.pick(body.members)

    def of_body(self, form: Mapping[str, str], json: Mapping[str, str]) -> Values:
        """Give what a body says of the carriers; what JSON says is never what a form says."""
        if json and any(name in json for name in self.carriers):
            return ("json", *self.values(json))
        return self.values(form)

    def values(self, parameters: Mapping[str, str]) -> Values:
        """Give the carriers' values in their order; None for one that is absent."""
        return tuple([parameters.get(name) for name in self.carriers])


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A matcher that cannot be taken into the table.

    Attributes:
        function_id: whose matcher it is.
        matcher: its position in the function.
        message: what is wrong.
    """

    function_id: str
    matcher: int
    message: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """One matcher with its function and its pattern, read."""

    function: Function
    position: int
    matcher: Matcher
    pattern: PathPattern


def index_requests(
    functions: Iterable[Function],
    *,
    carriers: Mapping[str, Iterable[str]],
    form_paths: Iterable[str],
    people: frozenset[str] = frozenset(),
) -> tuple[dict[PathPattern, Endpoint], list[Clash]]:
    """Make the table.

    Args:
        functions: all functions.
        carriers: by path pattern, parameters watched beyond those that matchers name.
        form_paths: path patterns whose forms are read although no matcher or record says so.
        people: parameters that name a person beside those of these functions.

    Returns:
        The endpoints by pattern, and every clash; with a clash the endpoints are of no use.
    """
    listed = tuple(functions)
    people = people_of(listed) | people
    claims, clashes = _claims(listed)
    clashes += _overlaps(claims)
    by_path: dict[str, list[_Claim]] = {}
    for claim in claims:
        by_path.setdefault(claim.pattern.text, []).append(claim)
    read_anyway = frozenset(form_paths)
    endpoints = {}
    for path, here in by_path.items():
        endpoint = _endpoint(
            here, {*carriers.get(path, ())}, people, reads_form=path in read_anyway
        )
        for claim in here:
            taken = _enter(endpoint, claim)
            if taken is not None:
                clashes.append(_clash(claim, taken))
        endpoints[here[0].pattern] = endpoint
    return endpoints, clashes


def people_of(functions: Iterable[Function]) -> frozenset[str]:
    """Give every parameter of query, form or JSON that names a person, as spelt."""
    return frozenset(
        function.record.name
        for function in functions
        if function.record is not None and RecordPlace.PATH not in function.record.where
    )


def _claims(functions: Iterable[Function]) -> tuple[list[_Claim], list[Clash]]:
    claims, clashes = [], []
    for function in functions:
        for position, matcher in enumerate(function.matchers):
            try:
                pattern = PathPattern.parse(matcher.path)
            except PatternError as error:
                clashes.append(Clash(function_id=function.id, matcher=position, message=str(error)))
            else:
                claims.append(_Claim(function, position, matcher, pattern))
    return claims, clashes


def _overlaps(claims: Sequence[_Claim]) -> list[Clash]:
    """Find different patterns of different functions that some path meets both.

    Within one function the more literal pattern wins; between two functions that would be a guess.
    """
    by_text: dict[str, tuple[PathPattern, dict[str, _Claim]]] = {}
    for claim in claims:
        _, owners = by_text.setdefault(claim.pattern.text, (claim.pattern, {}))
        owners.setdefault(claim.function.id, claim)
    # Only patterns with the same first segment can overlap, or those that begin with a placeholder.
    by_start: dict[str | None, list[str]] = {}
    for text, (pattern, _) in by_text.items():
        by_start.setdefault(pattern.segments[0] if pattern.segments else "", []).append(text)
    wild = by_start.pop(None, [])
    clashes = []
    for texts in [*by_start.values(), []]:
        near = texts + wild if texts else wild
        for place, text in enumerate(near):
            pattern, owners = by_text[text]
            for other_text in near[:place]:
                other, other_owners = by_text[other_text]
                if text in wild and other_text in wild and texts:
                    continue  # two wild ones are compared once, on their own
                if (pattern.literal and other.literal) or not pattern.overlaps(other):
                    continue
                clashes += [
                    Clash(
                        function_id=claim.function.id,
                        matcher=claim.position,
                        message=f"path {quoted(text)} meets what {quoted(other_text)} of "
                        f"`{rival}` meets",
                    )
                    for owner, claim in owners.items()
                    for rival in other_owners
                    if rival != owner or _same_shape(pattern, other)
                ]
    return clashes


def _same_shape(pattern: PathPattern, other: PathPattern) -> bool:
    return pattern.segments == other.segments and pattern.rest == other.rest


def _endpoint(
    claims: Sequence[_Claim], names: set[str], people: frozenset[str], *, reads_form: bool
) -> Endpoint:
    for claim in claims:
        names.update(claim.matcher.query, claim.matcher.form, claim.matcher.json)
        record = claim.function.record
        if claim.matcher.form or (record is not None and RecordPlace.FORM in record.where):
            reads_form = True
    return Endpoint(
        carriers=tuple(sorted(names)),
        watched={name.casefold(): name for name in names | people},
        reads_form=reads_form,
        targets={},
    )


def _enter(endpoint: Endpoint, claim: _Claim) -> Target | None:
    """Put a matcher into the table; tell the first target that has its place already."""
    matcher = claim.matcher
    by_method = endpoint.targets.setdefault(endpoint.values(matcher.query), {}).setdefault(
        endpoint.of_body(matcher.form, matcher.json), {}
    )
    named = {**matcher.query, **matcher.form, **matcher.json}
    carriers = "&".join(f"{name}={value}" for name, value in sorted(named.items()))
    for method in sorted(matcher.methods):
        if method in by_method:
            return by_method[method]
        plain = Match(
            function=claim.function,
            action=Action.READ if method == "GET" else Action.WRITE,
            operation=matcher.operation or OPERATION_OF_METHOD[method],
            route=f"{matcher.path}?{carriers}" if carriers else matcher.path,
            bodies=matcher.bodies_of(method),
        )
        by_method[method] = Target(plain, len(named))
        _note_transaction(endpoint, claim, method)
    return None


def _note_transaction(endpoint: Endpoint, claim: _Claim, method: str) -> None:
    """Note by what a request is meant that names a function's transaction in its place."""
    rule = claim.function.transaction
    if rule is None:
        return
    endpoint.transactions.add(rule)
    key = claim.function.id, method
    said = tuple(sorted(claim.matcher.query.items()))
    known = endpoint.by_transaction.setdefault(key, said)
    if known != said:
        endpoint.by_transaction[key] = None


def _clash(claim: _Claim, taken: Target) -> Clash:
    return Clash(
        function_id=claim.function.id,
        matcher=claim.position,
        message=f"the same request already means `{taken.plain.function.id}`",
    )


def named_person(
    record: RecordParameter | None,
    named: Mapping[RecordPlace, Mapping[str, str]],
    bindings: Mapping[str, str],
    *,
    expected: int,
) -> str | None:
    """Find the one person that a request names.

    Args:
        record: what the function declares.
        named: the watched parameters of query, form and JSON body.
        bindings: the segments of the path.
        expected: how many parameters of the request name a person.

    Returns:
        None where the request names a person in a way, or in a place, that the function does not
        declare, or more than once.
    """
    if record is None:
        return None
    if RecordPlace.PATH in record.where:
        return None if expected else bindings.get(record.name)
    if expected != 1:
        return None
    for place, parameters in named.items():
        if place in record.where and record.name in parameters:
            return parameters[record.name]
    return None
