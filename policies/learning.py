"""Proposes catalogue entries from the requests a back office is seen to answer.

What comes out is a draft for a person: the requests are grouped into what is probably one function
each, and everything that is a decision (title, floor, scope, classification) is left open, so that
the draft does not load until somebody has filled it in. The rules, in order:

1. A request that the catalogue knows counts for its function and proposes nothing.
2. A segment that looks like an identity (a number, a UUID, a date, an address, long hexadecimal) is
   a placeholder. So is a segment that has many values where everything else is equal.
3. A parameter that carries a function by its name (`OAFunc`, `page`, `function_id` and their like)
   tells functions apart, with each value it has. Of all others only the names are kept; so where it
   stands twice or has a value that needs encoding, as no catalogue can declare that.
4. Style sheets, scripts and images are no functions; they are listed apart, as `resources`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.catalogue import Catalogue

CARRIERS = frozenset(
    {"OAFunc", "page", "function_id", "form", "config", "porMode", "notification_type", "action"}
)
MANY = 5
"""Different values of one segment after which it is taken for a placeholder."""

MOST_VALUES = 40
"""Different values of a carrier after which it is taken for an ordinary parameter."""

_IDENTITY = re.compile(
    r"\d+"
    r"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\d{4}-\d{2}-\d{2}"
    r"|[0-9a-fA-F]{16,}"
    r"|[^@/]+@[^@/]+"
    r"|[A-Z]{1,4}[-_]?\d{2,}"
)
_RESOURCE = re.compile(
    r"\.(css|js|mjs|map|png|jpe?g|gif|svg|ico|webp|woff2?|ttf|eot)$", re.IGNORECASE
)
_VALUE = re.compile(r"[A-Za-z0-9_.~/:@,-]*")
"""Values that a declared parameter may have: the gateway refuses all others."""

PLACEHOLDER = "{id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as a log tells it.

    Attributes:
        method: in capitals.
        target: path and query.
    """

    method: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is probably one function.

    Attributes:
        path: the pattern.
        query: the carriers and their values.
        methods: those that were seen.
        parameters: names of the other parameters that were seen.
        count: how many requests.
        examples: a few targets.
    """

    path: str
    query: Mapping[str, str]
    methods: frozenset[str]
    parameters: frozenset[str]
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a log taught.

    Attributes:
        known: requests by the function they mean.
        proposals: the rest, the most frequent first.
        resources: paths of style sheets, scripts and images, with how often.
    """

    known: Mapping[str, int]
    proposals: tuple[Proposal, ...]
    resources: Mapping[str, int]


_Shape = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""The segments of a path, and the carriers with their values."""


@dataclass(slots=True)
class _Group:
    methods: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    count: int = 0
    examples: list[str] = field(default_factory=list)


def learn(requests: Iterable[Seen], catalogue: Catalogue) -> Learned:
    """Group what was seen; reads the requests once, and keeps one small row per different shape."""
    known: Counter[str] = Counter()
    resources: Counter[str] = Counter()
    groups: dict[_Shape, _Group] = {}
    for seen in requests:
        path, _, query_text = seen.target.partition("?")
        query = parse_qsl(query_text, keep_blank_values=True)
        match = catalogue.match("GET" if seen.method == "HEAD" else seen.method, path, query)
        if match is not None:
            known[match.function.id] += 1
            continue
        if _RESOURCE.search(path):
            resources[path] += 1
            continue
        carriers = _carriers(query_text)
        key = (_segments(path), carriers)
        group = groups.setdefault(key, _Group())
        group.methods.add(seen.method)
        told_apart = dict(carriers)
        group.parameters.update(name for name, _ in query if name not in told_apart)
        group.count += 1
        if len(group.examples) < 3 and seen.target not in group.examples:  # noqa: PLR2004
            group.examples.append(seen.target)
    merged = _without_wild_carriers(_with_placeholders(groups))
    proposals = (
        Proposal(
            path="/" + "/".join(segments),
            query=dict(carriers),
            methods=frozenset(group.methods),
            parameters=frozenset(group.parameters),
            count=group.count,
            examples=tuple(group.examples),
        )
        for (segments, carriers), group in merged.items()
    )
    return Learned(
        known=known,
        proposals=tuple(sorted(proposals, key=lambda each: (-each.count, each.path))),
        resources=resources,
    )


def to_toml(learned: Learned, *, system: str) -> str:
    """Write the proposals as entries that a person has to finish.

    Args:
        learned: what a log taught.
        system: id of the system the requests were answered by.
    """
    lines = [
        "# Proposed from what was seen. Fill in what is in angle brackets, or remove the entry:",
        "# until then the file does not load. Nothing here is permitted to anybody by itself.",
    ]
    for number, each in enumerate(learned.proposals, start=1):
        query = ", ".join(f'{name} = "{_escaped(value)}"' for name, value in each.query.items())
        methods = ", ".join(f'"{method}"' for method in sorted(each.methods - {"HEAD"}))
        lines += [
            "",
            f"# seen {each.count} times, for example {_escaped(each.examples[0][:200])}",
            *(
                [f"# other parameters: {', '.join(map(_escaped, sorted(each.parameters)))}"]
                * bool(each.parameters)
            ),
            "[[function]]",
            f'id = "<area.name {number}>"',
            'title = "<what staff call it>"',
            'area = "<area>"',
            'classification = "<OFFICIAL or OFFICIAL-SENSITIVE>"',
            'regime = "<GP or LE>"',
            'floor = "<least clearance>"',
            'scope = "<whose records it shows>"',
            f'system = "{_escaped(system)}"',
            "match = [",
            f'  {{ methods = [{methods or chr(34) + "GET" + chr(34)}], path = "{_named(each.path)}"'
            + (f", query = {{ {query} }}" if query else "")
            + " },",
            "]",
        ]
    return "\n".join(lines) + "\n"


def _carriers(query_text: str) -> tuple[tuple[str, str], ...]:
    """Give the parameters that tell functions apart, as they were sent."""
    pairs = [part.partition("=")[::2] for part in query_text.split("&")]
    times = Counter(name for name, _ in pairs)
    return tuple(
        sorted(
            (name, value)
            for name, value in pairs
            if name in CARRIERS and times[name] == 1 and _VALUE.fullmatch(value)
        )
    )


def _segments(path: str) -> tuple[str, ...]:
    return tuple(
        PLACEHOLDER if _IDENTITY.fullmatch(segment) else segment
        for segment in path.strip("/").split("/")
    )


def _with_placeholders(
    groups: dict[_Shape, _Group],
) -> dict[_Shape, _Group]:
    """Turn a segment with many values into a placeholder, from the last segment to the second."""
    deepest = max((len(segments) for segments, _ in groups), default=0)
    for position in range(deepest - 1, 0, -1):
        siblings: dict[object, set[str]] = defaultdict(set)
        for segments, carriers in groups:
            if position < len(segments) and segments[position] != PLACEHOLDER:
                siblings[_around(segments, position), carriers].add(segments[position])
        merged: dict[_Shape, _Group] = {}
        for (segments, carriers), group in groups.items():
            key = segments
            if (
                position < len(segments)
                and len(siblings.get((_around(segments, position), carriers), ())) > MANY
            ):
                key = (*segments[:position], PLACEHOLDER, *segments[position + 1 :])
            _merge(merged, (key, carriers), group)
        groups = merged
    return groups


def _without_wild_carriers(
    groups: dict[_Shape, _Group],
) -> dict[_Shape, _Group]:
    """Take a carrier with very many values for what it is: an ordinary parameter."""
    values: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
    for segments, carriers in groups:
        for name, value in carriers:
            values[segments, name].add(value)
    merged: dict[_Shape, _Group] = {}
    for (segments, carriers), group in groups.items():
        kept = tuple(pair for pair in carriers if len(values[segments, pair[0]]) <= MOST_VALUES)
        group.parameters.update(name for name, _ in carriers if (name, _) not in kept)
        _merge(merged, (segments, kept), group)
    return merged


def _merge(
    into: dict[_Shape, _Group],
    key: _Shape,
    group: _Group,
) -> None:
    known = into.setdefault(key, _Group())
    known.methods |= group.methods
    known.parameters |= group.parameters
    known.count += group.count
    known.examples = (known.examples + group.examples)[:3]


def _around(segments: tuple[str, ...], position: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return segments[:position], segments[position + 1 :]


def _named(path: str) -> str:
    """Give each placeholder of a pattern its own name."""
    parts = []
    number = 0
    for part in path.split("/"):
        if part == PLACEHOLDER:
            number += 1
            part = PLACEHOLDER if number == 1 else f"{{id{number}}}"  # noqa: PLW2901
        parts.append(_escaped(part))
    return "/".join(parts)


def _escaped(text: str) -> str:
    """Write outside input inside quotation marks of a TOML file, on one line."""
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)
