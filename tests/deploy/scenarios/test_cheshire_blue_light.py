"""The shipped policy set of the Cheshire Blue Light Collaboration says what was agreed."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policies.agreements import Agreement, load_agreements
from policies.catalogue import BodyKind, Catalogue, Function
from policies.catalogue_file import load_catalogue
from policies.function import GATEWAY_SYSTEM, Classification, Regime, Scope
from policies.organisations import load_organisations
from vetting.levels import LevelOrder

PROJECT = Path(__file__).parents[3]
SET = PROJECT / "deploy" / "scenarios" / "cheshire-blue-light" / "policy"
ACCOUNTS = PROJECT / "tests" / "policies" / "decision_tables" / "cheshire-accounts.toml"
ORDER = LevelOrder.shipped()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

FIREFIGHTER = {
    "pay.slip",
    "pay.bank",
    "hr.me",
    "hr.absence",
    "hr.sit",
    "hr.vetting.view",
    "rec.browse",
    "learn.enrol",
    "perf.pdr",
    "fin.expense",
    "fin.timecard",
    "proc.req",
    "proc.receipt",
    "proc.framework",
    "fleet.book",
    "fleet.defect",
    "est.job",
    "log.stores",
    "ict.ticket",
}
LAW_ENFORCEMENT = {
    "perf.ops",
    "duty.armed",
    "fleet.covert",
    "pc.incident",
    "pc.crime",
    "cj.file",
    "cj.community",
    "custody.record",
    "forensic.submit",
    "fel.case",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(SET / "catalogue.toml", ORDER)


@pytest.fixture(scope="module")
def back_office(catalogue: Catalogue) -> dict[str, Function]:
    return {
        function.id: function
        for function in catalogue.functions.values()
        if function.system != GATEWAY_SYSTEM
    }


@pytest.fixture(scope="module")
def agreements(back_office: dict[str, Function]) -> dict[str, Agreement]:
    loaded = load_agreements(
        SET / "agreements.toml",
        order=LevelOrder.shipped(),
        every_function=frozenset(back_office),
    )
    return {agreement.id: agreement for agreement in loaded}


@pytest.fixture(scope="module")
def accounts() -> dict[str, dict[str, Any]]:
    with ACCOUNTS.open("rb") as file:
        return {account["name"]: account for account in tomllib.load(file)["account"]}


def test_the_back_office_has_sixty_functions(back_office: dict[str, Function]) -> None:
    assert len(back_office) == 60


def test_the_floors_add_up_to_what_was_agreed(back_office: dict[str, Function]) -> None:
    assert Counter(function.floor.text for function in back_office.values()) == {
        "BASE": 26,
        "N2F": 19,
        "RV or N3": 9,
        "N3": 4,
        "MV": 1,
        "N3 and SC": 1,
    }


def test_regimes_and_classifications_add_up_to_what_was_agreed(
    back_office: dict[str, Function],
) -> None:
    functions = back_office.values()

    assert Counter(function.regime for function in functions) == {Regime.GP: 50, Regime.LE: 10}
    assert Counter(function.classification for function in functions) == {
        Classification.OFFICIAL: 31,
        Classification.OFFICIAL_SENSITIVE: 29,
    }
    assert {f.id for f in functions if f.regime is Regime.LE} == LAW_ENFORCEMENT


@pytest.mark.parametrize(
    ("function_id", "floor"),
    [
        ("pay.run", "N3"),
        ("proc.vendor", "N3"),
        ("duty.armed", "N3"),
        ("est.plans", "N3"),
        ("fleet.covert", "MV"),
        ("ict.admin", "N3 and SC"),
        ("hr.oh", "RV or N3"),
        ("fin.ap", "N2F"),
        ("proc.ok", "N2F"),
        ("hr.team.basic", "BASE"),
    ],
)
def test_the_floors_that_matter_most_are_as_agreed(
    back_office: dict[str, Function], function_id: str, floor: str
) -> None:
    assert back_office[function_id].floor.text == floor


def test_the_gateways_own_pages_are_functions_too(catalogue: Catalogue) -> None:
    pages = {
        "/": "gate.portal",
        "/-/portal": "gate.portal",
        "/-/me": "gate.me",
        "/-/me/end": "gate.me",
        "/-/sessions": "gate.sessions",
        "/-/sessions/end": "gate.sessions",
        "/-/audit": "gate.audit",
        "/-/policy": "gate.policy",
        "/-/vetting": "gate.vetting",
        "/-/vetting/cheshire-fire/40011": "gate.vetting",
        "/-/break-glass-uses": "gate.breakglass",
        "/-/me/factors": "gate.me",
        "/-/step-up/continue": "gate.me",
        "/-/factors": "gate.factors",
    }

    for path, function_id in pages.items():
        match = catalogue.match("GET", path, [])
        assert match is not None
        assert match.function.id == function_id
        changes = path.endswith("/end") or path == "/-/factors" or path.startswith("/-/me/")
        assert (catalogue.match("POST", path, []) is not None) is changes
    own = {f.id for f in catalogue.functions.values() if f.system == GATEWAY_SYSTEM}
    assert own == set(pages.values())
    assert catalogue.functions["gate.portal"].floor.met_by(0)
    assert not catalogue.functions["gate.audit"].floor.met_by(ORDER.reach("DBSE"))


def test_every_function_of_the_back_office_has_a_tile(back_office: dict[str, Function]) -> None:
    assert [function.id for function in back_office.values() if function.entry is None] == []


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", "pay.slip"),
        ("POST", "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", None),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", "hr.absence"),
        ("POST", "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", "hr.absence"),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=ICX_POR_LAUNCH_IP", "proc.req"),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=ICX_POR_LAUNCH_IP&porMode=confirmReceipt", "proc.receipt"),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=ICX_POR_LAUNCH_IP&porMode=other", None),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=FND_WFNTF_DETAILS", None),
        (
            "GET",
            "/OA_HTML/OA.jsp?OAFunc=FND_WFNTF_DETAILS&notification_type=APEXP",
            "fin.expense.ok",
        ),
        ("POST", "/OA_HTML/OA.jsp?OAFunc=FND_WFNTF_DETAILS&notification_type=REQAPPRV", "proc.ok"),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=FND_WFNTF_DETAILS&notification_type=HRSSA", None),
        ("GET", "/OA_HTML/OA.jsp?page=/oracle/apps/fnd/sso/login/webui/MainLoginPG", None),
        ("GET", "/OA_HTML/OA.jsp?OAFunc=OANEWHOMEPAGE", None),
        ("GET", "/OA_HTML/RF.jsp?function_id=1040101&resp_id=-1&lang_code=US", "pay.slip"),
        ("POST", "/OA_HTML/RF.jsp?function_id=1040101", None),
        ("GET", "/OA_HTML/RF.jsp?function_id=MAINMENUREST&security_group_id=0", None),
        ("GET", "/OA_HTML/RF.jsp?function_id=1040190", None),
        ("GET", "/OA_HTML/RF.jsp?function_id=1040190&notification_type=REQAPPRV", "proc.ok"),
        ("GET", "/OA_HTML/OAExport.jsp", None),
        ("GET", "/forms/frmservlet?form=PAYRUN", "pay.run"),
        ("POST", "/forms/frmservlet?form=APINVOICE", "fin.ap"),
        ("GET", "/forms/frmservlet", None),
        ("GET", "/forms/frmservlet?form=OTHER", None),
        ("GET", "/forms/frmservlet?form=PAYRUN&config=x", None),
        ("POST", "/forms/lservlet?form=PAYRUN", "pay.run"),
        ("GET", "/bi/budget/4711", "fin.budget"),
        ("GET", "/bi/budget", None),
        ("GET", "/bi/ops/beats/north", "perf.ops"),
        ("PUT", "/dms/teams/7/plan", "duty.plan"),
        ("DELETE", "/fleet/bookings/9", "fleet.book"),
        ("PATCH", "/custody/31/detention/review", "custody.record"),
        ("DELETE", "/custody/31/detention/review", None),
        ("DELETE", "/admin/users/4", "ict.admin"),
        ("GET", "/webservices/rest/mss_leave/team", "hr.team.basic"),
        ("GET", "/webservices/rest/mss_leave/other", None),
        ("GET", "/vetting/me", "hr.vetting.view"),
    ],
)
def test_a_request_means_the_function_that_was_agreed(
    catalogue: Catalogue, method: str, target: str, expected: str | None
) -> None:
    path, _, query = target.partition("?")
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&"))]

    match = catalogue.match(method, path, pairs if query else [], [])

    assert (None if match is None else match.function.id) == expected


def test_a_form_cannot_carry_a_second_function(catalogue: Catalogue) -> None:
    """A servlet container reads a parameter from the query or from the form, as it likes."""
    query = [("OAFunc", "XX_OIEHOME")]

    assert catalogue.bodies("POST", "/OA_HTML/OA.jsp", query) == frozenset({BodyKind.FORM})
    assert catalogue.match("POST", "/OA_HTML/OA.jsp", query, [("amount", "12")]) is not None
    assert catalogue.match("POST", "/OA_HTML/OA.jsp", query, [("OAFunc", "XX_PAYADJ")]) is None


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/ict/tickets/7/attachments", "multipart other"),
        ("/ict/tickets", "form json multipart"),
        ("/estates/jobs", "form json multipart"),
        ("/fleet/defects", "form json"),
        ("/webservices/rest/mss_leave/team", "form json"),
        ("/legal/matters", "form"),
        ("/admin/users/4", "form"),
    ],
)
def test_a_path_takes_the_kinds_of_body_that_its_pages_send(
    catalogue: Catalogue, path: str, kinds: str
) -> None:
    assert catalogue.bodies("POST", path, []) == frozenset(map(BodyKind, kinds.split()))


def test_what_is_not_read_comes_only_where_no_person_can_be_named(catalogue: Catalogue) -> None:
    """Binary bodies of the forms, and files put to a ticket whose number is in the path."""
    unread = {
        matcher.path
        for function in catalogue.functions.values()
        for matcher in function.matchers
        for method in matcher.methods
        if BodyKind.OTHER in matcher.bodies_of(method)
    }

    assert unread == {"/forms/lservlet", "/ict/tickets/{ticket}/attachments"}


def test_functions_about_the_own_record_name_their_person(back_office: dict[str, Function]) -> None:
    """Without a declared parameter the back office's `person_id` would be unknown there."""
    scopes = {Scope.OWN, Scope.OWN_ORGANISATION_TEAM}

    unnamed = {f.id for f in back_office.values() if f.scope in scopes and f.record is None}

    assert unnamed == set()


def test_only_bank_details_need_a_second_factor(back_office: dict[str, Function]) -> None:
    assert {f.id: f.obligations for f in back_office.values() if f.obligations} == {
        "pay.bank": ("step-up",)
    }


def test_the_hosts_staff_are_offered_everything(
    back_office: dict[str, Function], agreements: dict[str, Agreement]
) -> None:
    own = agreements["host-own-staff"]

    assert all(own.covers("cheshire-police", function, at=AT) for function in back_office)
    assert not own.covers("cheshire-fire", "pay.slip", at=AT)


def test_fire_is_never_offered_duties_nor_law_enforcement(
    back_office: dict[str, Function], agreements: dict[str, Agreement]
) -> None:
    offered = {
        function
        for function in back_office
        if any(each.covers("cheshire-fire", function, at=AT) for each in agreements.values())
    }

    assert offered >= FIREFIGHTER
    assert {"hr.team", "hr.search", "fin.ap", "proc.ok", "fleet.work", "asset.reg"} <= offered
    assert not any(function.startswith("duty.") for function in offered)
    assert offered.isdisjoint(LAW_ENFORCEMENT)


def test_what_fire_is_offered_at_the_base_is_the_firefighters_and_the_managers(
    back_office: dict[str, Function], agreements: dict[str, Agreement]
) -> None:
    screened = ORDER.reach("DBSE")
    reached = {
        function
        for function in agreements["cheshire-blue-light-2018"].functions
        if back_office[function].floor.met_by(screened)
    }

    assert reached == FIREFIGHTER | {"hr.team.basic", "fin.budget"}


def test_fire_is_offered_nothing_before_the_day_of_the_agreement(
    agreements: dict[str, Agreement],
) -> None:
    blue_light = agreements["cheshire-blue-light-2018"]
    start = datetime(2018, 3, 31, 23, tzinfo=UTC)  # midnight in London

    assert blue_light.covers("cheshire-fire", "pay.slip", at=start)
    assert not blue_light.covers(
        "cheshire-fire", "pay.slip", at=datetime(2018, 3, 31, 22, 59, tzinfo=UTC)
    )


def test_the_ambulance_service_is_offered_two_functions(agreements: dict[str, Agreement]) -> None:
    assert agreements["nwas-premises"].functions == {"est.job", "ict.ticket"}
    assert agreements["nwas-premises"].serves == {"nwas"}


def test_the_organisations_are_those_of_the_agreements(agreements: dict[str, Agreement]) -> None:
    organisations = load_organisations(SET / "organisations.toml")

    assert {organisation.id for organisation in organisations} == frozenset().union(
        *(agreement.parties for agreement in agreements.values())
    )
    assert [organisation.id for organisation in organisations if organisation.host] == [
        "cheshire-police"
    ]


def test_the_role_accounts_see_as_much_as_was_agreed(accounts: dict[str, dict[str, Any]]) -> None:
    """The figures of the collaboration, which no change of a rule may move unnoticed."""
    assert {name: len(account["tiles"]) for name, account in accounts.items()} == {
        "firefighter": 19,
        "watch-manager": 21,
        "fire-hr": 21,
        "fire-lapsed": 19,
        "paramedic": 2,
        "constable": 23,
        "hr-adviser": 24,
        "detective": 26,
        "vetting-officer": 22,
        "security-officer": 22,
        "second-officer": 22,
        "auditor": 22,
    }
    assert set(accounts["firefighter"]["tiles"]) == FIREFIGHTER
    assert accounts["fire-lapsed"]["tiles"] == accounts["firefighter"]["tiles"]


def test_every_tile_of_the_table_is_within_agreement_and_floor(
    accounts: dict[str, dict[str, Any]],
    catalogue: Catalogue,
    agreements: dict[str, Agreement],
) -> None:
    """The table may not promise what no rule could permit."""
    for account in accounts.values():
        reach = 0
        for level in account["levels"]:
            if " until " not in level:
                reach |= ORDER.reach(level)
        for function in account["tiles"]:
            assert catalogue.functions[function].floor.met_by(reach), (account["name"], function)
            assert any(
                each.covers(account["organisation"], function, at=AT)
                for each in agreements.values()
            ), (account["name"], function)
        order = list(catalogue.functions)
        assert account["tiles"] == sorted(account["tiles"], key=order.index)
