"""Turning matchers into one table, and finding what two functions both claim."""

from __future__ import annotations

import pytest

from policies.function import (
    Action,
    Function,
    Matcher,
    Operation,
    RecordParameter,
    RecordPlace,
)
from policies.path_index import PathPattern
from policies.request_index import Clash, index_requests, people_of
from tests.policies.functions import function


def get(path: str, **query: str) -> Matcher:
    return Matcher(methods=frozenset({"GET"}), path=path, query=query)


def clashes(*functions: Function) -> list[Clash]:
    return index_requests(functions, carriers={}, form_paths=())[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (get("/a"), get("/a")),
        (get("/a", F="x"), get("/a", F="x")),
        (get("/a/{x}"), get("/a/b")),
        (get("/a/{x}"), get("/a/{y}")),
        (get("/a/*"), get("/a/{y}/c")),
        (get("/{x}/b"), get("/a/*")),
        (get("/{x}/b"), get("/{y}/*")),
    ],
)
def test_a_request_that_two_functions_claim_is_a_clash(one: Matcher, other: Matcher) -> None:
    """Otherwise the order in a file would decide what a request means."""
    assert clashes(function("a.one", one), function("a.two", other))
    assert clashes(function("a.two", other), function("a.one", one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (get("/a", F="x"), get("/a", F="y")),
        (get("/a", F="x"), get("/a", F="x", M="z")),
        (get("/a"), get("/a", F="x")),
        (get("/a"), Matcher(methods=frozenset({"POST"}), path="/a")),
        (get("/a/{x}"), get("/a/{x}/*")),
    ],
)
def test_requests_that_differ_are_no_clash(one: Matcher, other: Matcher) -> None:
    assert not clashes(function("a.one", one), function("a.two", other))


def test_within_one_function_patterns_may_overlap_but_not_be_the_same() -> None:
    assert not clashes(function("a.one", get("/a/{x}"), get("/a/b")))
    assert clashes(function("a.one", get("/a/{x}"), get("/a/{y}")))
    assert clashes(function("a.one", get("/a"), get("/a")))


def test_a_clash_of_two_patterns_that_begin_with_a_placeholder_is_told_once() -> None:
    found = clashes(
        function("a.one", get("/{x}/b")),
        function("a.two", get("/{y}/*")),
        function("a.three", get("/c")),
        function("a.four", get("/d")),
    )

    assert [clash.function_id for clash in found] == ["a.two"]


def test_a_clash_names_the_function_and_the_matcher() -> None:
    (clash,) = clashes(function("a.one", get("/a")), function("a.two", get("/b"), get("/a")))

    assert (clash.function_id, clash.matcher) == ("a.two", 1)
    assert "`a.one`" in clash.message


def test_a_pattern_that_cannot_be_read_is_a_clash_of_its_own() -> None:
    (clash,) = clashes(function("a.one", get("/a"), get("/b//c")))

    assert (clash.function_id, clash.matcher) == ("a.one", 1)


def test_an_endpoint_watches_the_carriers_of_all_its_matchers_and_every_person_parameter() -> None:
    person = RecordParameter(name="person_id", where=frozenset({RecordPlace.QUERY}))
    endpoints, _ = index_requests(
        [function("a.one", get("/a", F="x")), function("a.two", get("/a", M="y"), record=person)],
        carriers={"/a": ["page"]},
        form_paths=(),
    )

    endpoint = endpoints[PathPattern.parse("/a")]

    assert endpoint.carriers == ("F", "M", "page")
    assert set(endpoint.watched.values()) == {"F", "M", "page", "person_id"}
    assert not endpoint.reads_form


def test_a_form_is_read_where_a_matcher_a_record_or_the_file_says_so() -> None:
    by_form = Matcher(methods=frozenset({"POST"}), path="/a", form={"F": "x"})
    person = RecordParameter(name="p", where=frozenset({RecordPlace.QUERY, RecordPlace.FORM}))
    endpoints, _ = index_requests(
        [
            function("a.one", by_form),
            function("a.two", get("/b"), record=person),
            function("a.three", get("/c"), get("/d")),
        ],
        carriers={},
        form_paths=["/c"],
    )

    read = {pattern.text for pattern, endpoint in endpoints.items() if endpoint.reads_form}
    assert read == {"/a", "/b", "/c"}


def test_a_target_says_action_operation_and_route() -> None:
    matcher = Matcher(
        methods=frozenset({"GET", "POST"}),
        path="/a/{x}",
        query={"F": "x"},
        operation=Operation.DISCLOSURE,
    )
    endpoints, _ = index_requests([function("a.one", matcher)], carriers={}, form_paths=())

    by_method = endpoints[PathPattern.parse("/a/{x}")].targets[("x",)][(None,)]

    assert by_method["GET"].plain.action is Action.READ
    assert by_method["POST"].plain.action is Action.WRITE
    assert by_method["POST"].plain.operation is Operation.DISCLOSURE
    assert by_method["GET"].plain.route == "/a/{x}?F=x"


def test_a_person_named_in_the_path_is_not_a_parameter() -> None:
    def named(name: str, place: RecordPlace) -> Function:
        return function(f"a.{name}", record=RecordParameter(name=name, where=frozenset({place})))

    assert people_of([named("p", RecordPlace.QUERY), named("q", RecordPlace.PATH)]) == {"p"}
