"""Matching: which function a request means, and that in doubt it means none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue import (
    Action,
    BodyKind,
    Catalogue,
    Function,
    JsonBody,
    Matcher,
    Operation,
    RecordParameter,
    RecordPlace,
)
from policies.errors import PolicyError
from tests.policies.functions import function
from tests.policies.steps import steps

Pairs = list[tuple[str, str]]
OA = "/OA_HTML/OA.jsp"


def person(*where: RecordPlace, name: str = "person_id") -> RecordParameter:
    return RecordParameter(name=name, where=frozenset(where))


def on(
    methods: str,
    path: str,
    *,
    form: dict[str, str] | None = None,
    json: dict[str, str] | None = None,
    bodies: str = "",
    **query: str,
) -> Matcher:
    return Matcher(
        methods=frozenset(methods.split()),
        path=path,
        query=query,
        form=form or {},
        json=json or {},
        bodies=frozenset(map(BodyKind, bodies.split())) or None,
    )


CATALOGUE = Catalogue(
    [
        function(
            "pay.slip",
            on("GET", OA, OAFunc="XX_PAYSLIP"),
            record=person(RecordPlace.QUERY, RecordPlace.FORM),
        ),
        function("proc.req", on("GET POST", OA, OAFunc="ICX_POR_LAUNCH_IP")),
        function(
            "proc.receipt",
            on("GET POST", OA, OAFunc="ICX_POR_LAUNCH_IP", porMode="confirmReceipt"),
        ),
        function("pay.run", on("POST", "/forms/frmservlet", form={"form": "PAYRUN"})),
        function("fin.ap", on("GET POST", "/forms/frmservlet", form={}, form_="x")),
        function(
            "fleet.book",
            on("GET DELETE", "/fleet/bookings/{booking}"),
            on("GET", "/fleet/bookings"),
            record=person(RecordPlace.QUERY),
        ),
        function(
            "hr.file",
            on("GET", "/files/{number}/*"),
            record=person(RecordPlace.PATH, name="number"),
        ),
        function("est.job", on("GET POST", "/estates/jobs")),
    ],
    carriers={OA: ["page", "function_id"]},
)


def meant(
    method: str, path: str, query: Pairs | None = None, form: Pairs | None = None
) -> str | None:
    match = CATALOGUE.match(method, path, query or [], form)
    return None if match is None else match.function.id


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([("OAFunc", "XX_PAYSLIP")], "pay.slip"),
        ([("_ti", "640290175"), ("OAFunc", "XX_PAYSLIP"), ("lang_code", "US")], "pay.slip"),
        ([("OAFunc", "ICX_POR_LAUNCH_IP")], "proc.req"),
        ([("OAFunc", "ICX_POR_LAUNCH_IP"), ("porMode", "confirmReceipt")], "proc.receipt"),
        ([("porMode", "confirmReceipt"), ("OAFunc", "ICX_POR_LAUNCH_IP")], "proc.receipt"),
        ([], None),
        ([("OAFunc", "")], None),
        ([("OAFunc", "xx_payslip")], None),
        ([("OAFunc", "XX_PAYSLIP ")], None),
        ([("OAFunc", "AMS_ADMIN")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("OAFunc", "XX_PAYSLIP")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("OAFunc", "AMS_ADMIN")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("oafunc", "AMS_ADMIN")], None),
        ([("oafunc", "XX_PAYSLIP")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("page", "/oracle/apps/fnd/x")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("page", "")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("function_id", "MAINMENUREST")], None),
        ([("OAFunc", "XX_PAYSLIP"), ("porMode", "confirmReceipt")], None),
        ([("OAFunc", "ICX_POR_LAUNCH_IP"), ("porMode", "")], None),
        ([("OAFunc", "ICX_POR_LAUNCH_IP"), ("porMode", "admin")], None),
        ([("porMode", "confirmReceipt")], None),
    ],
)
def test_the_carriers_of_a_path_must_be_exactly_those_of_one_matcher(
    query: Pairs, expected: str | None
) -> None:
    """A second reading of a parameter would be a second function, decided as the first."""
    assert meant("GET", OA, query) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/estates/jobs", "est.job"),
        ("HEAD", "/estates/jobs", "est.job"),
        ("POST", "/estates/jobs", "est.job"),
        ("DELETE", "/estates/jobs", None),
        ("get", "/estates/jobs", None),
        ("TRACE", "/estates/jobs", None),
        ("DELETE", "/fleet/bookings/7", "fleet.book"),
        ("HEAD", "/fleet/bookings/7", "fleet.book"),
        ("DELETE", "/fleet/bookings", None),
        ("GET", "/fleet/bookings/", None),
        ("GET", "/Fleet/bookings", None),
        ("GET", "/nothing", None),
        ("GET", "", None),
    ],
)
def test_path_and_method_are_matched_exactly_and_head_follows_get(
    method: str, path: str, expected: str | None
) -> None:
    assert meant(method, path) == expected


def test_a_path_without_carriers_leaves_its_parameters_to_the_back_office() -> None:
    assert (
        meant("GET", "/estates/jobs", [("page", "2"), ("page", "3"), ("OAFunc", "x")]) == "est.job"
    )


@pytest.mark.parametrize(
    ("query", "form", "expected"),
    [
        ([], [("form", "PAYRUN")], "pay.run"),
        ([], [("form", "PAYRUN"), ("amount", "4")], "pay.run"),
        ([], None, None),
        ([], [], None),
        ([], [("form", "OTHER")], None),
        ([], [("form", "PAYRUN"), ("form", "OTHER")], None),
        ([], [("Form", "PAYRUN")], None),
        ([("form", "PAYRUN")], [], None),
        ([("form", "PAYRUN")], [("form", "PAYRUN")], None),
        ([("form_", "x")], [], "fin.ap"),
        ([("form_", "x")], [("form", "PAYRUN")], None),
        ([("form_", "x")], [("form_", "x")], None),
        ([("form_", "x")], None, None),
    ],
)
def test_a_form_that_carries_the_function_is_matched_with_the_query(
    query: Pairs, form: Pairs | None, expected: str | None
) -> None:
    """The back office may read either over the other, so both must agree."""
    assert meant("POST", "/forms/frmservlet", query, form) == expected


def test_the_form_of_a_get_is_not_looked_at() -> None:
    assert meant("GET", "/forms/frmservlet", [("form_", "x")]) == "fin.ap"


@pytest.mark.parametrize(
    ("method", "path", "query", "kinds"),
    [
        ("POST", "/forms/frmservlet", [], "form"),
        ("POST", "/forms/frmservlet", [("form_", "x")], "form"),
        ("POST", "/forms/frmservlet", [("form_", "y")], None),
        ("POST", "/forms/frmservlet", [("form_", "x"), ("form_", "x")], None),
        ("PUT", "/forms/frmservlet", [], None),
        ("GET", "/forms/frmservlet", [("form_", "x")], ""),
        ("POST", OA, [("OAFunc", "XX_PAYSLIP")], None),
        ("POST", "/estates/jobs", [], "form"),
        ("DELETE", "/fleet/bookings/7", [], ""),
        ("POST", "/nothing", [], None),
        ("POST", "/rest/leave", [], "form json"),
        ("POST", "/rest/upload", [], "multipart"),
        ("GET", "/rest/upload", [], ""),
    ],
)
def test_a_request_may_have_the_kinds_of_body_that_its_functions_declare(
    method: str, path: str, query: Pairs, kinds: str | None
) -> None:
    """A form by default, nothing for GET and DELETE; a stranger's body is not even read."""
    catalogue = Catalogue(
        [
            *CATALOGUE.functions.values(),
            function("rest.leave", on("POST", "/rest/leave", bodies="json", json={"act": "ask"})),
            function("rest.other", on("POST", "/rest/leave", form={"act": "ask"})),
            function("rest.upload", on("GET POST", "/rest/upload", bodies="multipart")),
        ],
        carriers=CATALOGUE.carriers,
    )

    expected = None if kinds is None else frozenset(map(BodyKind, kinds.split()))
    assert catalogue.bodies(method, path, query) == expected


def json_of(**members: str | None) -> JsonBody:
    return JsonBody(members=tuple(members.items()))


REST = Catalogue(
    [
        function(
            "rest.ask",
            on("POST", "/rest", bodies="form json", json={"act": "ask"}),
            record=person(RecordPlace.JSON),
        ),
        function("rest.drop", on("POST", "/rest", bodies="json", json={"act": "drop"})),
        function("rest.form", on("POST", "/rest", form={"act": "ask"})),
        function(
            "rest.any",
            on("POST", "/any", bodies="form json"),
            record=person(RecordPlace.QUERY, RecordPlace.FORM, RecordPlace.JSON),
        ),
        function(
            "rest.path",
            on("POST", "/of/{number}", bodies="form json"),
            record=person(RecordPlace.PATH, name="number"),
        ),
        function("rest.plain", on("POST", "/plain", bodies="json")),
    ]
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (json_of(act="ask"), ("rest.ask", None)),
        (json_of(act="ask", note="x"), ("rest.ask", None)),
        (json_of(act="ask", person_id="7"), ("rest.ask", "7")),
        (json_of(act="drop"), ("rest.drop", None)),
        (json_of(act="drop", person_id="7"), None),
        (json_of(act="other"), None),
        (json_of(act=None), None),
        (json_of(act="ask", person_id=None), None),
        (json_of(act="ask", person_id=""), None),
        (json_of(Act="ask"), None),
        (json_of(), None),
        (JsonBody(members=(("act", "ask"),), inner=frozenset({"person_id"})), None),
        (JsonBody(members=(("act", "ask"),), inner=frozenset({"act"})), None),
    ],
)
def test_json_that_carries_the_function_or_a_person_is_read_at_its_outermost_only(
    body: JsonBody, expected: tuple[str, str | None] | None
) -> None:
    """What a JSON body says is never taken for what a form says."""
    match = REST.match("POST", "/rest", [], [], body)

    assert (match and (match.function.id, match.record_person)) == expected


@pytest.mark.parametrize(
    ("path", "query", "form", "body", "expected"),
    [
        ("/any", "7", "", "", "7"),
        ("/any", "", "7", "", "7"),
        ("/any", "", "", "7", "7"),
        ("/of/7", "", "", "", "7"),
        ("/any", "7", "8", "", None),
        ("/any", "7", "", "8", None),
        ("/any", "7", "", "7", None),
        ("/any", "", "7", "8", None),
        ("/of/7", "8", "", "", None),
        ("/of/7", "", "8", "", None),
        ("/of/7", "", "", "8", None),
        ("/plain", "", "", "7", None),
    ],
)
def test_a_person_is_named_in_one_place_only_whichever_it_is(
    path: str, query: str, form: str, body: str, expected: str | None
) -> None:
    """Two places may disagree at the back office even where they agree here."""

    def named(value: str) -> Pairs:
        return [("person_id", value)] if value else []

    match = REST.match(
        "POST", path, named(query), named(form), JsonBody(members=tuple(named(body)))
    )

    assert (match and match.record_person) == expected


def test_every_watched_name_of_a_path_is_told() -> None:
    """Whoever watches an upload refuses these."""
    assert CATALOGUE.watched("/estates/jobs") == {"person_id"}
    assert CATALOGUE.watched("/forms/frmservlet") == {"form", "form_", "person_id"}
    assert CATALOGUE.watched("/nothing") == CATALOGUE.declared_parameters


def test_a_form_that_was_read_counts_where_it_cannot_decide() -> None:
    """The back office reads forms on every path, a person's number too."""
    path = "/fleet/bookings/7"
    harmless = CATALOGUE.match("DELETE", path, [], [("note", "x")])
    naming = CATALOGUE.match("DELETE", path, [], [("person_id", "40012")])
    recased = CATALOGUE.match("DELETE", path, [], [("Person_ID", "40012")])

    assert harmless is not None
    assert naming is None
    assert recased is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([], ("pay.slip", None)),
        ([("person_id", "40012")], ("pay.slip", "40012")),
        ([("person_id", "040012")], ("pay.slip", "040012")),
        ([("person_id", "")], None),
        ([("person_id", "1"), ("person_id", "1")], None),
        ([("person_id", "1"), ("PERSON_ID", "2")], None),
        ([("Person_Id", "2")], None),
        ([("per\u017fon_id", "2")], None),
    ],
)
def test_the_person_a_request_names_is_read_once_and_exactly(
    query: Pairs, expected: tuple[str, str | None] | None
) -> None:
    match = CATALOGUE.match("GET", OA, [("OAFunc", "XX_PAYSLIP"), *query])

    assert (match and (match.function.id, match.record_person)) == expected


def test_a_person_named_to_a_function_that_declares_none_is_unknown() -> None:
    """The back office might read it although nobody decided on it."""
    assert meant("GET", OA, [("OAFunc", "ICX_POR_LAUNCH_IP"), ("person_id", "1")]) is None
    assert meant("GET", "/estates/jobs", [("person_id", "1")]) is None


def test_a_person_may_be_named_in_the_form_where_the_function_says_so_and_only_once() -> None:
    catalogue = Catalogue(
        [
            function(
                "hr.sick",
                on("GET POST", "/sick"),
                record=person(RecordPlace.QUERY, RecordPlace.FORM),
            ),
            function("hr.form", on("POST", "/form"), record=person(RecordPlace.FORM)),
            function("hr.query", on("GET POST", "/query"), record=person(RecordPlace.QUERY)),
        ],
        form_paths=["/query"],
    )
    named = [("person_id", "7")]

    def whom(path: str, query: Pairs, form: Pairs) -> str | None:
        match = catalogue.match("POST", path, query, form)
        return None if match is None else match.record_person

    assert whom("/sick", named, []) == "7"
    assert whom("/sick", [], named) == "7"
    assert catalogue.match("POST", "/sick", named, named) is None
    assert whom("/form", [], named) == "7"
    assert catalogue.match("POST", "/form", named, []) is None
    assert whom("/query", named, []) == "7"
    assert catalogue.match("POST", "/query", [], named) is None


def test_two_parameters_that_both_name_a_person_are_unknown() -> None:
    catalogue = Catalogue(
        [
            function("a.one", on("GET", "/one"), record=person(RecordPlace.QUERY, name="p")),
            function("a.two", on("GET", "/two"), record=person(RecordPlace.QUERY, name="q")),
        ]
    )

    assert catalogue.match("GET", "/one", [("p", "1")]) is not None
    assert catalogue.match("GET", "/one", [("q", "1")]) is None
    assert catalogue.match("GET", "/one", [("p", "1"), ("q", "1")]) is None


def test_a_person_may_be_named_in_the_path() -> None:
    match = CATALOGUE.match("GET", "/files/40012/a/b", [])

    assert match is not None
    assert (match.record_person, dict(match.bindings)) == ("40012", {"number": "40012"})
    assert CATALOGUE.match("GET", "/files/40012/a", [("person_id", "40013")]) is None


def test_a_match_says_action_operation_and_route_without_any_persons_value() -> None:
    match = CATALOGUE.match("DELETE", "/fleet/bookings/77", [("person_id", "40012")])

    assert match is not None
    assert (match.action, match.operation) == (Action.WRITE, Operation.ERASURE)
    assert match.route == "/fleet/bookings/{booking}"
    assert dict(match.bindings) == {"booking": "77"}
    read = CATALOGUE.match("HEAD", OA, [("OAFunc", "XX_PAYSLIP"), ("_ti", "1")])
    assert read is not None
    assert (read.action, read.operation) == (Action.READ, Operation.CONSULTATION)
    assert read.route == f"{OA}?OAFunc=XX_PAYSLIP"


def test_the_declared_parameters_are_those_that_carry_a_function_or_name_a_person() -> None:
    assert CATALOGUE.people_parameters == {"person_id"}
    assert CATALOGUE.declared_parameters == {
        "OAFunc", "porMode", "page", "function_id", "form", "form_", "person_id",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ([function("a.b", on("GET", "/a")), function("a.b", on("GET", "/b"))], "same id"),
        ([function("a.b", on("GET", "/a")), function("a.c", on("GET", "/a"))], "already means"),
        (
            [function("a.b", on("GET", "/a", F="x")), function("a.c", on("GET", "/b", f="x"))],
            "only in case",
        ),
        (
            [function("a.b", on("GET", "/a", p="x"), record=person(RecordPlace.QUERY, name="p"))],
            "names a person",
        ),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(
    functions: list[Function], message: str
) -> None:
    with pytest.raises(PolicyError, match=message):
        Catalogue(functions)


NAMES = st.sampled_from(
    ["OAFunc", "oafunc", "porMode", "PORMODE", "page", "function_id", "person_id", "_ti", "x"]
)
VALUES = st.sampled_from(["XX_PAYSLIP", "ICX_POR_LAUNCH_IP", "confirmReceipt", "", "7"])


@given(query=st.lists(st.tuples(NAMES, VALUES), max_size=6), pick_last=st.booleans())
def test_whatever_is_matched_reads_the_same_by_every_reading(
    query: Pairs, *, pick_last: bool
) -> None:
    """First value, last value, names folded: a matched request means one function to them all."""
    match = CATALOGUE.match("GET", OA, query)
    read: dict[str, str] = {}
    for name, value in query:
        folded = name.casefold()
        if pick_last or folded not in read:
            read[folded] = value

    if match is not None:
        expected = dict(match.function.matchers[0].query)
        carriers = {"oafunc", "pormode", "page", "function_id"}
        assert {k: v for k, v in read.items() if k in carriers} == {
            name.casefold(): value for name, value in expected.items()
        }
        assert read.get("person_id") == match.record_person


def test_matching_does_not_get_slower_with_the_number_of_functions() -> None:
    def catalogue(size: int) -> Catalogue:
        return Catalogue(
            [function(f"f.a{i}", on("GET", OA, OAFunc=f"F{i}")) for i in range(size)]
            + [function(f"g.a{i}", on("GET", f"/g{i}/{{x}}")) for i in range(size)]
        )

    def lines(of: Catalogue, path: str, query: Pairs) -> int:
        return steps(lambda: of.match("GET", path, query))

    few, many = catalogue(10), catalogue(3000)
    for path, query in [(OA, [("OAFunc", "F7")]), ("/g7/1", [])]:
        assert 0 < lines(many, path, query) <= lines(few, path, query)
