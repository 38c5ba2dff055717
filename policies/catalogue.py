"""The catalogue: what the back office does, and which request means which function.

A request that is not exactly one function is no function at all. The rules of matching, in order:

1. The path finds at most one pattern: a literal path before a templated one, segment by segment the
   more literal first. No later step goes back for another pattern.
2. Every parameter that carries the function on this path (it is named by a matcher of the path, or
   the path declares it) is *watched*, and so is every parameter that names a person, on every path.
   A watched parameter that is repeated, in the query and the form at once, or spelt in another
   case, makes the request unknown.
3. The values of all watched carriers together, those that are absent too, find the matcher: a
   carrier that the matcher does not name must be absent. So `porMode=x` is not `proc.req`, and
   `page=` beside `OAFunc=` is nothing.
4. The method must be one of the matcher's; HEAD follows GET.
5. A parameter that names a person on a function that declares none makes the request unknown, and
   so does one that is empty.

Everything is indexed when the catalogue is made: one look-up for the path, one for the carriers,
whatever the number of functions. Parameters that nobody watches are the back office's own and are
not looked at.
"""

from __future__ import annotations

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
from policies.request_index import Endpoint, index_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "GATEWAY_SYSTEM",
    "Action",
    "Catalogue",
    "Classification",
    "Function",
    "Match",
    "Matcher",
    "Operation",
    "RecordParameter",
    "RecordPlace",
    "Regime",
    "Scope",
]


class Catalogue:
    """The functions of a policy set, indexed for matching; a value that never changes.

    Attributes:
        functions: every function by id, in the order of the file.
        people_parameters: every parameter of query or form that names a person, as spelt.
        declared_parameters: these and every parameter that carries a function. Whoever makes
            requests canonical refuses repeated, re-cased and encoded variants of them.
    """

    __slots__ = ("_folded", "_index", "declared_parameters", "functions", "people_parameters")

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        carriers: Mapping[str, Iterable[str]] | None = None,
        form_paths: Iterable[str] = (),
    ) -> None:
        """Index the functions.

        Args:
            functions: all of them.
            carriers: by path pattern, parameters that are watched beyond those its matchers name,
                because the back office would read a function from them.
            form_paths: path patterns where the back office reads carriers or persons from forms.
                Patterns whose matchers or records say so themselves need not be named.

        Raises:
            PolicyError: two functions claim the same request, or one thing is declared twice.
        """
        listed = tuple(functions)
        self.functions: Mapping[str, Function] = MappingProxyType(
            {function.id: function for function in listed}
        )
        if len(self.functions) != len(listed):
            raise PolicyError("catalogue: two functions have the same id")
        self.people_parameters: frozenset[str] = frozenset(
            function.record.name
            for function in self.functions.values()
            if function.record is not None and RecordPlace.PATH not in function.record.where
        )
        endpoints, clashes = index_requests(
            self.functions.values(), carriers=carriers or {}, form_paths=form_paths
        )
        if clashes:
            raise PolicyError(f"catalogue: `{clashes[0].function_id}`: {clashes[0].message}")
        self._index: PathIndex[Endpoint] = PathIndex(endpoints)
        self.declared_parameters: frozenset[str] = self.people_parameters.union(
            *(endpoint.carriers for endpoint in endpoints.values())
        )
        if any(not self.people_parameters.isdisjoint(e.carriers) for e in endpoints.values()):
            raise PolicyError("catalogue: a parameter carries a function and names a person")
        # One spelling in lower case for each declared name, to notice the others.
        self._folded = {name.lower(): name for name in self.declared_parameters}
        if len(self._folded) != len(self.declared_parameters):
            raise PolicyError("catalogue: two declared parameters differ only in case")

    def body_parameters(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> bool:
        """Tell whether the form must be read before this request can be matched.

        Args:
            method: as sent, in capitals.
            path: canonical path, percent-encoded as sent.
            query: names and values, decoded, in the order sent.

        Returns:
            False also for a request that is unknown whatever its form holds, so that a stranger's
            body is not read for nothing.
        """
        if method in {"GET", "HEAD"}:
            return False
        found = self._index.find(path)
        if found is None or not found.value.reads_form:
            return False
        endpoint = found.value
        watched = self._watched(endpoint, query)
        if watched is None:
            return False
        by_form = endpoint.targets.get(endpoint.values(watched), {})
        return any(method in by_method for by_method in by_form.values())

    def match(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        form: Sequence[tuple[str, str]] | None = None,
    ) -> Match | None:
        """Find the function that a request means.

        Args:
            method: as sent, in capitals.
            path: canonical path, percent-encoded as sent.
            query: names and values, decoded, in the order sent.
            form: the same of the form; None where it was not read.

        Returns:
            None for every request that is not exactly one function.
        """
        found = self._index.find(path)
        if found is None:
            return None
        endpoint = found.value
        if method == "HEAD":
            method = "GET"
        if method == "GET" or not endpoint.reads_form:
            form = ()
        elif form is None:
            return None
        in_query = self._watched(endpoint, query)
        in_form = self._watched(endpoint, form)
        if in_query is None or in_form is None or not in_query.keys().isdisjoint(in_form):
            return None
        by_method = endpoint.targets.get(endpoint.values(in_query), {}).get(
            endpoint.values(in_form)
        )
        target = None if by_method is None else by_method.get(method)
        if target is None:
            return None
        named = self._persons(target.function, in_query, in_form, found.bindings)
        if named is None:
            return None
        return Match(
            function=target.function,
            action=target.action,
            operation=target.operation,
            route=target.route,
            record_person=named[0] if named else None,
            bindings=found.bindings,
        )

    def _watched(
        self, endpoint: Endpoint, pairs: Sequence[tuple[str, str]]
    ) -> dict[str, str] | None:
        """Pick the watched parameters out; None where one is repeated or spelt in another case."""
        watched: dict[str, str] = {}
        for name, value in pairs:
            declared = self._folded.get(name.lower())
            if declared is None or (
                declared not in endpoint.carriers and declared not in self.people_parameters
            ):
                continue
            if name != declared or name in watched:
                return None
            watched[name] = value
        return watched

    def _persons(
        self,
        function: Function,
        in_query: Mapping[str, str],
        in_form: Mapping[str, str],
        bindings: Mapping[str, str],
    ) -> tuple[str, ...] | None:
        """Find the person that a request names.

        Returns:
            At most one employee number; None where the request names a person in a way, or in a
            place, that the function does not declare.
        """
        record = function.record
        named: list[str] = []
        for place, values in ((RecordPlace.QUERY, in_query), (RecordPlace.FORM, in_form)):
            for name in self.people_parameters & values.keys():
                if record is None or name != record.name or place not in record.where:
                    return None
                named.append(values[name])
        if record is not None and RecordPlace.PATH in record.where:
            if record.name not in bindings:
                return None
            named.append(bindings[record.name])
        if len(named) > 1 or "" in named:
            return None
        return tuple(named)
