"""A TOML file that knows the line of every value."""

from __future__ import annotations

import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetting.errors import TomlError
from vetting.toml_source import TomlSource, ValuePath

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = '''\
# a comment with [brackets] and "quotes"
title = "one # not a comment"

[host]
id = "cheshire-police"  # trailing
"quoted.key" = 1
a.b . "c d" = true
text = """
[not.a.table]
x = 1"""""
after = 2
literal = \'\'\'
] = {
\'\'\'

[[rule]]
id = "first"
when = { organisation = ["cheshire-fire"], own = { record = true } }

[[rule]]
id = "second"
functions = [
  "pay.slip",  # comment ] here
  # "pay.hidden",
  [ 1,
    2 ],
  { x = 1 },
]
since = 2026-11-20 10:00:00

[rule.extra]
note = "belongs to the second"

[[rule.part]]
n = 1
[[rule.part]]
n = 2

[deep.er.table]
v = \'[\'
'''


def source() -> TomlSource:
    return TomlSource.from_text(DOCUMENT, file="rules.toml")


def marked(text: str) -> int:
    """The 1-based line of the only line of the document that starts with the text."""
    found = [n for n, line in enumerate(DOCUMENT.splitlines(), 1) if line.strip().startswith(text)]
    assert len(found) == 1, text
    return found[0]


@pytest.mark.parametrize(
    ("keys", "starts"),
    [
        (("title",), "title"),
        (("host",), "[host]"),
        (("host", "id"), 'id = "cheshire-police"'),
        (("host", "quoted.key"), '"quoted.key"'),
        (("host", "a", "b", "c d"), "a.b"),
        (("host", "a"), "a.b"),
        (("host", "after"), "after"),
        (("host", "literal"), "literal"),
        (("rule", 0, "id"), 'id = "first"'),
        (("rule", 0, "when", "own", "record"), "when ="),
        (("rule", 0, "when", "organisation", 0), "when ="),
        (("rule", 1, "id"), 'id = "second"'),
        (("rule", 1, "functions"), "functions"),
        (("rule", 1, "functions", 0), '"pay.slip"'),
        (("rule", 1, "functions", 1), "[ 1,"),
        (("rule", 1, "functions", 1, 1), "2 ],"),
        (("rule", 1, "functions", 2, "x"), "{ x = 1 }"),
        (("rule", 1, "since"), "since"),
        (("rule", 1, "extra", "note"), "note"),
        (("rule", 1, "part", 1, "n"), "n = 2"),
        (("deep", "er", "table", "v"), "v ="),
        (("deep", "er"), "[deep.er.table]"),
    ],
)
def test_each_value_is_found_on_its_line(keys: ValuePath, starts: str) -> None:
    assert source().line(*keys) == marked(starts)


def test_a_value_that_is_missing_is_found_at_its_nearest_ancestor() -> None:
    assert source().line("rule", 1, "functions", 7, "y") == marked("functions")
    assert source().line("host", "absent") == marked("[host]")
    assert source().line("absent") == 1
    assert source().line() == 1


def ways(value: Any, way: ValuePath = ()) -> list[ValuePath]:
    """Every way into a document."""
    found = [way] if way else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += ways(inner, (*way, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found += ways(inner, (*way, position))
    return found


def test_every_way_that_tomllib_reads_has_a_line_of_its_own_and_no_other_has() -> None:
    assert set(ways(tomllib.loads(DOCUMENT))) == set(source()._lines)


BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
STRINGS = st.text(alphabet="ab\"'\\[]{}=#,.\n", max_size=8)


def written(value: Any) -> str:
    match value:
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case bool():
            return "true" if value else "false"
        case list():
            return "[\n" + ",\n".join(written(inner) for inner in value) + "]"
        case dict():
            pairs = ", ".join(f"{written(key)} = {flat(inner)}" for key, inner in value.items())
            return "{ " + pairs + " }"
        case _:
            return str(value)


def flat(value: Any) -> str:
    return written(value).replace("\n", " ")


VALUES = st.recursive(
    STRINGS | st.integers(-9, 9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(BARE, VALUES, max_size=6))
@settings(deadline=None)
def test_whatever_a_document_holds_each_statement_is_found_where_it_begins(
    values: dict[str, Any],
) -> None:
    text, begins = "# head\n", {}
    for key, value in values.items():
        begins[key] = text.count("\n") + 1
        text += f"{key} = {written(value)} # tail\n\n"

    read = TomlSource.from_text(text, file="x.toml")

    assert read.data == values
    assert {key: read.line(key) for key in values} == begins
    assert set(read._lines) == set(ways(values))


def test_lines_are_counted_alike_in_a_file_with_windows_line_ends() -> None:
    read = TomlSource.from_text(DOCUMENT.replace("\n", "\r\n"), file="x")

    assert read._lines == source()._lines


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a = 1\nb == 2\n", 2, "invalid value"),
        ("a = 1\na = 2\n", 2, "cannot overwrite a value"),
        ("a = 1\n\nb = [\n 1,\n 2,\n\n", 3, "invalid value"),
        ('a = 1\nb = """\ntext\n\n', 2, "unterminated string"),
        ("a = 1\nb =", 2, "invalid value"),
        ("a = 1\n[b", 2, "expected ']'"),
        ("\ufeffa = 1\n", 1, "invalid"),
    ],
)
def test_a_syntax_error_is_told_with_its_line_and_a_remedy(text: str, line: int, told: str) -> None:
    with pytest.raises(TomlError) as refused:
        TomlSource.from_text(text, file="rules.toml")

    (fault,) = refused.value.faults
    assert (fault.file, fault.line) == ("rules.toml", line)
    assert told in fault.message
    assert fault.remedy
    assert str(refused.value) == f"rules.toml:{line}: {fault.message}; {fault.remedy}"


def test_a_file_that_is_missing_or_not_utf_8_is_a_fault_too(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'a = 1\nb = "caf\xe9"\n')

    with pytest.raises(TomlError, match=r"latin\.toml:2: read: not UTF-8; save the file as UTF-8"):
        TomlSource.read(latin)
    with pytest.raises(TomlError, match=r"absent\.toml:1: read: no such file"):
        TomlSource.read(tmp_path / "absent.toml")


def test_a_file_nested_too_deeply_is_refused() -> None:
    with pytest.raises(TomlError, match="nested too deeply"):
        TomlSource.from_text("a = " + "[" * 5000 + "]" * 5000, file="x")


def test_a_fault_names_the_value_with_positions_counted_from_one() -> None:
    fault = source().fault("rule", 1, "id", message="used twice", remedy="rename it")

    line = marked('id = "second"')
    assert str(fault) == f"rules.toml:{line}: rule[2].id: used twice; rename it"


def test_a_file_of_many_thousand_lines_is_read_in_one_pass() -> None:
    """Four times the lines cost about four times the time: a scan that starts over, sixteen."""

    def seconds(rules: int) -> float:
        lines = [f'[[rule]]\nid = "r{n}"\nfunctions = [\n"a",\n"b" ]' for n in range(rules)]
        text = "\n".join(lines) + "\nx = [\n" + "1,\n" * rules + "]"
        best = 9.0
        for _ in range(5):
            started = time.process_time()  # ours alone, however busy the machine
            TomlSource.from_text(text, file="x")
            best = min(best, time.process_time() - started)
        return best

    assert seconds(1200) < 9 * seconds(300)
