"""Reading matchers, records and paths, above all which bodies they declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.catalogue import Action, BodyKind
from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from vetting.levels import LevelOrder

if TYPE_CHECKING:
    from pathlib import Path

    from policies.catalogue import Catalogue

TEXT = """\
[[path]]
path = "/rest/leave"
bodies = ["json"]

[[function]]
id = "duty.leave"
title = "Leave"
area = "Duty"
classification = "OFFICIAL"
regime = "GP"
floor = "BASE"
scope = "own"
system = "ebs"
record = { name = "person_id", where = ["query", "json"] }
match = [
  { methods = ["GET"], path = "/rest/leave" },
  { methods = ["POST"], path = "/rest/leave", json = { act = "ask" } },
  { methods = ["PUT"], path = "/rest/leave", bodies = ["multipart", "other"] },
  { methods = ["POST", "DELETE"], path = "/rest/other" },
  { methods = ["DELETE"], path = "/rest/leave", bodies = ["form"] },
  { methods = ["WEBSOCKET"], path = "/rest/live" },
]
"""


def load(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    return load_catalogue(path, LevelOrder.shipped())


@pytest.mark.parametrize(
    ("method", "path", "kinds"),
    [
        ("GET", "/rest/leave", ""),
        ("POST", "/rest/leave", "json"),
        ("PUT", "/rest/leave", "multipart other"),
        ("DELETE", "/rest/leave", "form"),
        ("POST", "/rest/other", "form"),
        ("DELETE", "/rest/other", ""),
        ("WEBSOCKET", "/rest/live", ""),
    ],
)
def test_bodies_are_those_of_the_match_or_of_the_path_or_the_default(
    tmp_path: Path, method: str, path: str, kinds: str
) -> None:
    found = load(tmp_path, TEXT).bodies(method, path, [])

    assert found == frozenset(map(BodyKind, kinds.split()))


def test_an_upgrade_means_a_function_where_one_is_declared_and_writes(tmp_path: Path) -> None:
    """What is said over it is read by nobody; and an ordinary GET there is something else."""
    catalogue = load(tmp_path, TEXT)
    found = catalogue.match("WEBSOCKET", "/rest/live", [], ())

    assert found is not None
    assert found.action is Action.WRITE
    assert catalogue.match("GET", "/rest/live", []) is None
    assert catalogue.match("WEBSOCKET", "/rest/leave", [], ()) is None


def test_a_catalogue_that_stands_on_another_keeps_what_its_paths_declare(tmp_path: Path) -> None:
    """A function added on a path of the other file takes the bodies of that path."""
    (tmp_path / "below.toml").write_text(TEXT, encoding="utf-8")
    own = TEXT[TEXT.index("[[function]]") : TEXT.index("match =")].replace("duty.", "own.")
    catalogue = load(
        tmp_path,
        'based_on = "below.toml"\n' + own
        + 'match = [{ methods = ["POST"], path = "/rest/leave", json = { act = "drop" } }]\n',
    )  # fmt: skip

    matcher = catalogue.functions["own.leave"].matchers[0]
    assert matcher.bodies == frozenset({BodyKind.JSON})


@pytest.mark.parametrize(
    ("old", "new", "message", "remedy"),
    [
        ('bodies = ["json"]', 'bodies = ["jsn"]', "unknown value `jsn`", "did you mean `json`?"),
        ('bodies = ["json"]', "bodies = []", "is empty", "leave the key out"),
        ('bodies = ["json"]', 'bodies = ["form"]', "no json body is declared", '["json"]'),
        ('bodies = ["json"]', 'bodies = ["form"]', "names a person in JSON", '["json"]'),
        ('json = { act = "ask" }', 'form = { act = "ask" }', "no form body is declared", "form"),
        (
            '["GET"], path = "/rest/leave"', '["GET"], path = "/rest/leave", bodies = ["form"]',
            "a GET has no body", "remove it",
        ),
        (
            'json = { act = "ask" }', 'json = { act = "ask" }, query = { act = "ask" }',
            "stand beside others", "name a carrier once",
        ),
        (
            'json = { act = "ask" }', 'json = { act = "ask" }, form = { other = "ask" }',
            "beside a form", "name a carrier once",
        ),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, old: str, new: str, message: str, remedy: str
) -> None:
    assert old in TEXT
    with pytest.raises(PolicyFileError) as refusal:
        load(tmp_path, TEXT.replace(old, new, 1))

    found = refusal.value.faults
    assert any(message in fault.message and remedy in fault.remedy for fault in found), found
