"""The catalogue: what the back office does, and which request means which function.

A request that is not exactly one function is no function at all. The rules of matching, in order:

1. The path finds at most one pattern: a literal path before a templated one, segment by segment the
   more literal first. No later step goes back for another pattern.
2. Every parameter that carries the function on this path (it is named by a matcher of the path, or
   the path declares it) is *watched*, and so is every parameter that names a person, on every path.
   A watched parameter that is repeated, in the query and the body at once, spelt in another case,
   or inside a JSON body further than its outermost members, makes the request unknown.
3. The values of all watched carriers together, those that are absent too, find the matcher: a
   carrier that the matcher does not name must be absent. So `porMode=x` is not `proc.req`, and
   `page=` beside `OAFunc=` is nothing.
4. The method must be one of the matcher's; HEAD follows GET.
5. A parameter that names a transaction (`policies.transactions`) is spelt as declared and has one
   value wherever it stands; a request that says otherwise is unknown.
6. A parameter that names a person on a function that declares none makes the request unknown, and
   so does one that is empty.

A system with a host of its own (`own_host`) is a world of its own: what is asked of it is never
asked at the gateway's host, and its requests clash with nobody else's (`Catalogue.at`).

Which kinds of body a request may have is declared with the matcher (`Match.bodies`); whoever reads
requests refuses every other kind.

Everything is indexed when the catalogue is made: one look-up for the path, one for the carriers,
whatever the number of functions. Parameters that nobody watches are the back office's own and are
not looked at.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.errors import PolicyError
from policies.function import (
    GATEWAY_SYSTEM,
    Action,
    Classification,
    Function,
    Match,
    Matcher,
    Operation,
    RecordParameter,
    RecordPlace,
    Regime,
    Scope,
)
from policies.path_index import PathIndex
from policies.request_body import NO_JSON, BodyKind, JsonBody
from policies.request_index import Endpoint, index_requests, named_person, people_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from policies.answer_rules import MarkingRule
    from policies.obligations import FieldSet, Purpose
    from policies.transactions import TransactionRule

__all__ = [
    "GATEWAY_SYSTEM",
    "Action",
    "BodyKind",
    "Catalogue",
    "Classification",
    "Function",
    "JsonBody",
    "Match",
    "Matcher",
    "Operation",
    "RecordParameter",
    "RecordPlace",
    "Regime",
    "Scope",
]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_PURPOSES: Mapping[str, Purpose] = MappingProxyType({})
_NO_FIELD_SETS: Mapping[str, FieldSet] = MappingProxyType({})
_NO_MARKINGS: Mapping[str, MarkingRule] = MappingProxyType({})


class Catalogue:
    """The functions of a policy set, indexed for matching; a value that never changes.

    Attributes:
        functions: every function by id, in the order of the file.
        people_parameters: every parameter of query, form or JSON that names a person, as spelt.
        carriers: by path pattern, parameters watched beyond those that matchers name.
        form_paths: path patterns where forms are read besides those that matchers name.
        purposes: by code, what rules may have people say they need something for.
        field_sets: by id, the fields that rules may have masked.
        markings: by system, how its answers are marked; only those that are.
        own_host: systems that are reached at a host of their own and nowhere else.
        transactions: how systems name the pages they open, by system; only those whose functions
            ask for it.
        declared_parameters: parameters that name a person, a function or a transaction. Whoever
            makes requests canonical refuses repeated, re-cased and encoded variants of them.
    """

    __slots__ = (
        "_index",
        "_parts",
        "_systems",
        "_transaction_parameters",
        "carriers",
        "declared_parameters",
        "field_sets",
        "form_paths",
        "functions",
        "markings",
        "own_host",
        "people_parameters",
        "purposes",
        "transactions",
    )

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        carriers: Mapping[str, Iterable[str]] | None = None,
        form_paths: Iterable[str] = (),
        purposes: Mapping[str, Purpose] = _NO_PURPOSES,
        field_sets: Mapping[str, FieldSet] = _NO_FIELD_SETS,
        markings: Mapping[str, MarkingRule] = _NO_MARKINGS,
        own_host: Iterable[str] = (),
        people: frozenset[str] = frozenset(),
    ) -> None:
        """Index the functions.

        Args:
            functions: all of them.
            carriers: by path pattern, parameters that are watched beyond those its matchers name,
                because the back office would read a function from them.
            form_paths: path patterns where the back office reads carriers or persons from forms.
                Patterns whose matchers or records say so themselves need not be named.
            purposes: by code, what rules may have people say they need something for.
            field_sets: by id, the fields that rules may have masked.
            markings: by system, how its answers are marked.
            own_host: systems that are reached at a host of their own.
            people: parameters that name a person beside those of these functions.

        Raises:
            PolicyError: two functions claim the same request, or one thing is declared twice.
        """
        listed = tuple(functions)
        self.functions: Mapping[str, Function] = MappingProxyType(
            {function.id: function for function in listed}
        )
        if len(self.functions) != len(listed):
            raise PolicyError("catalogue: two functions have the same id")
        self.people_parameters: frozenset[str] = people_of(listed) | people
        self.own_host: frozenset[str] = frozenset(own_host)
        shared = [each for each in listed if each.system not in self.own_host]
        self.carriers: Mapping[str, frozenset[str]] = MappingProxyType(
            {path: frozenset(names) for path, names in (carriers or {}).items()}
        )
        self.form_paths: frozenset[str] = frozenset(form_paths)
        self.purposes: Mapping[str, Purpose] = MappingProxyType(dict(purposes))
        self.field_sets: Mapping[str, FieldSet] = MappingProxyType(dict(field_sets))
        self.markings: Mapping[str, MarkingRule] = MappingProxyType(dict(markings))
        self._systems = frozenset(each.system for each in shared)
        endpoints, clashes = index_requests(
            shared,
            carriers=self.carriers,
            form_paths=self.form_paths,
            people=self.people_parameters,
        )
        if clashes:
            raise PolicyError(f"catalogue: `{clashes[0].function_id}`: {clashes[0].message}")
        self._index: PathIndex[Endpoint] = PathIndex(endpoints)
        rules = [each.transaction for each in listed if each.transaction is not None]
        self.transactions: Mapping[str, TransactionRule] = MappingProxyType(
            {rule.system: rule for rule in rules}
        )
        self._transaction_parameters = frozenset(
            each.transaction.parameter for each in shared if each.transaction is not None
        )
        others = self.people_parameters.union(*(each.carriers for each in endpoints.values()))
        self.declared_parameters: frozenset[str] = others | self._transaction_parameters
        if not others.isdisjoint(self._transaction_parameters):
            raise PolicyError("catalogue: a parameter of transactions says something else too")
        if any(not self.people_parameters.isdisjoint(e.carriers) for e in endpoints.values()):
            raise PolicyError("catalogue: a parameter carries a function and names a person")
        if len({name.casefold() for name in self.declared_parameters}) != len(
            self.declared_parameters
        ):
            raise PolicyError("catalogue: two declared parameters differ only in case")
        self._parts: dict[tuple[frozenset[str], frozenset[str]], Catalogue] = {}
        for system in self.own_host:
            self.at(system)

    def at(self, system: str, pages: frozenset[str] = frozenset()) -> Catalogue:
        """Give what is reached at the host of a system: its functions and nobody else's.

        Args:
            system: the system.
            pages: paths of pages of the gateway that are reached there too.
        """
        return self._part(frozenset({system}), pages)

    def without(self, systems: frozenset[str]) -> Catalogue:
        """Give what is reached at the gateway's host, where these systems have hosts of their own.

        Args:
            systems: those with a host; what has none, but needs one, is reached nowhere.
        """
        if self._systems.isdisjoint(systems):
            return self
        return self._part(self._systems - systems)

    def _part(self, systems: frozenset[str], pages: frozenset[str] = frozenset()) -> Catalogue:
        known = self._parts.get((systems, pages))
        if known is not None:
            return known
        functions = [each for each in self.functions.values() if each.system in systems]
        for each in self.functions.values():
            shown = tuple(matcher for matcher in each.matchers if matcher.path in pages)
            if each.system == GATEWAY_SYSTEM and shown:
                functions.append(replace(each, matchers=shown))
        part = self._parts[systems, pages] = Catalogue(
            functions,
            carriers=self.carriers,
            form_paths=self.form_paths,
            purposes=self.purposes,
            field_sets=self.field_sets,
            markings=self.markings,
            people=self.people_parameters,
        )
        return part

    def bodies(
        self, method: str, path: str, query: Sequence[tuple[str, str]]
    ) -> frozenset[BodyKind] | None:
        """Give the kinds of body that a request may have, before the body is read.

        Args:
            method: as sent, in capitals.
            path: canonical path, percent-encoded as sent.
            query: names and values, decoded, in the order sent.

        Returns:
            None for a request that is unknown whatever its body holds, so that a stranger's body is
            not read for nothing. Where the body tells the function, the kinds of all that it could
            tell: the match then says which of them its own function takes.
        """
        found = self._index.find(path)
        if found is None:
            return None
        endpoint = found.value
        in_query = endpoint.pick(query)
        if in_query is None:
            return None
        by_body = endpoint.targets.get(endpoint.values(in_query), {})
        kinds = [
            by_method[method].plain.bodies for by_method in by_body.values() if method in by_method
        ]
        return frozenset().union(*kinds) if kinds else None

    def watched(self, path: str) -> frozenset[str]:
        """Give the parameters that tell a function or a person to whoever serves a path.

        Args:
            path: canonical path, percent-encoded as sent.
        """
        found = self._index.find(path)
        if found is None:
            return self.declared_parameters
        return self._transaction_parameters.union(found.value.watched.values())

    def of_transaction(
        self, path: str, query: Sequence[tuple[str, str]]
    ) -> tuple[TransactionRule, str] | None:
        """Give the transaction that stands in the place of the function in an address.

        Args:
            path: canonical path, percent-encoded as sent.
            query: names and values, decoded, in the order sent.

        Returns:
            None where the address names a function, names no transaction, or is of no use.
        """
        found = self._index.find(path)
        if found is None or not found.value.transactions:
            return None
        picked = found.value.pick(query)
        if picked is None or not picked.keys().isdisjoint(found.value.carriers):
            return None
        for rule in found.value.transactions:
            named = rule.named_in(query)
            if named:
                return rule, named
        return None

    def meant_by_transaction(
        self, method: str, path: str, function_id: str
    ) -> tuple[tuple[str, str], ...] | None:
        """Give what an address would say to name a function whose transaction it names instead.

        Returns:
            None where the function cannot be meant there, or more than one of its requests could.
        """
        found = self._index.find(path)
        if found is None:
            return None
        asked = "GET" if method == "HEAD" else method
        return found.value.by_transaction.get((function_id, asked))

    def match(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        form: Sequence[tuple[str, str]] | None = None,
        json: JsonBody = NO_JSON,
    ) -> Match | None:
        """Find the function that a request means.

        Args:
            method: as sent, in capitals.
            path: canonical path, percent-encoded as sent.
            query: names and values, decoded, in the order sent.
            form: the same of the form; None where it was not read. A form that was read counts
                everywhere: what it says beside the address makes the request unknown.
            json: what a JSON body says; it counts everywhere just as a form does.

        Returns:
            None for every request that is not exactly one function.
        """
        match = self._match(method, path, query, form, json)
        rule = None if match is None else self.transactions.get(match.function.system)
        if match is None or rule is None:
            return match
        # Of every function of the system: its back office goes by the number, whatever else stands
        # there.
        named = rule.named_in(query, form or (), json)
        return None if named is None else replace(match, transaction=named)

    def _match(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        form: Sequence[tuple[str, str]] | None,
        json: JsonBody,
    ) -> Match | None:
        found = self._index.find(path)
        if found is None:
            return None
        endpoint = found.value
        if method == "HEAD":
            method = "GET"
        if form is None and endpoint.reads_form and method != "GET":
            return None
        if form is None or method == "GET":
            form = ()
        in_query = endpoint.pick(query)
        in_form = endpoint.pick(form)
        in_json = _NOTHING if json is NO_JSON else endpoint.pick_json(json)
        if in_query is None or in_form is None or in_json is None:
            return None
        by_body = endpoint.targets.get(endpoint.values(in_query))
        by_method = None if by_body is None else by_body.get(endpoint.of_body(in_form, in_json))
        target = None if by_method is None else by_method.get(method)
        if target is None:
            return None
        record = target.plain.function.record
        # Watched parameters are carriers, all of which the target names, or persons.
        persons = len(in_query) + len(in_form) + len(in_json) - target.carriers
        person = None
        if persons or (record is not None and RecordPlace.PATH in record.where):
            named = {
                RecordPlace.QUERY: in_query,
                RecordPlace.FORM: in_form,
                RecordPlace.JSON: in_json,
            }
            person = named_person(record, named, found.bindings, expected=persons)
            if not person:
                return None
        elif not found.bindings:
            return target.plain
        return Match(
            function=target.plain.function,
            action=target.plain.action,
            operation=target.plain.operation,
            route=target.plain.route,
            bodies=target.plain.bodies,
            record_person=person,
            bindings=found.bindings,
        )
