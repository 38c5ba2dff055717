"""The order of the levels."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetting.errors import LevelError, TomlError
from vetting.levels import Level, LevelId, LevelOrder
from vetting.toml_source import TomlSource

ORDER = LevelOrder.shipped()
LEVELS = st.sampled_from(ORDER.ids)

# Row satisfies column. This table is the specification; the edges are only one way to write it.
TABLE = """
     DBSB DBSS DBSE BPSS CTC SC eSC DV eDV N1 N2A N2F N3 RV MV
DBSB  Y    .    .    .   .   .  .   .  .   .  .   .   .  .  .
DBSS  Y    Y    .    .   .   .  .   .  .   .  .   .   .  .  .
DBSE  Y    Y    Y    .   .   .  .   .  .   .  .   .   .  .  .
BPSS  Y    .    .    Y   .   .  .   .  .   .  .   .   .  .  .
CTC   Y    .    .    Y   Y   .  .   .  .   .  .   .   .  .  .
SC    Y    .    .    Y   Y   Y  .   .  .   .  .   .   .  .  .
eSC   Y    .    .    Y   Y   Y  Y   .  .   .  .   .   .  .  .
DV    Y    .    .    Y   Y   Y  Y   Y  .   .  .   .   .  .  .
eDV   Y    .    .    Y   Y   Y  Y   Y  Y   .  .   .   .  .  .
N1    .    .    .    .   .   .  .   .  .   Y  .   .   .  .  .
N2A   .    .    .    .   .   .  .   .  .   Y  Y   .   .  .  .
N2F   Y    .    .    Y   .   .  .   .  .   Y  Y   Y   .  .  .
N3    Y    .    .    Y   .   .  .   .  .   Y  Y   Y   Y  .  .
RV    Y    .    .    Y   .   .  .   .  .   Y  Y   Y   .  Y  .
MV    Y    .    .    Y   .   .  .   .  .   Y  Y   Y   Y  Y  Y
"""


def table() -> dict[tuple[str, str], bool]:
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    return {
        (row[0], required): mark == "Y"
        for row in rows
        for required, mark in zip(head, row[1:], strict=True)
    }


def test_the_order_is_exactly_the_table_of_15_by_15_levels() -> None:
    expected = table()

    assert len(expected) == 15 * 15
    assert {
        (holder, required): ORDER.dominates(holder, required)
        for holder in ORDER.ids
        for required in ORDER.ids
    } == expected


def test_the_data_are_15_levels_and_15_covering_edges_none_of_them_superfluous() -> None:
    assert len(ORDER.ids) == 15
    assert len(ORDER.covers) == 15
    for edge in ORDER.covers:
        fewer = LevelOrder(
            levels=ORDER.levels,
            covers=tuple(other for other in ORDER.covers if other != edge),
            base=ORDER.base,
        )
        assert not fewer.dominates(*edge)


def test_59_pairs_are_incomparable() -> None:
    assert (
        sum(
            not ORDER.dominates(one, other) and not ORDER.dominates(other, one)
            for one, other in combinations(ORDER.ids, 2)
        )
        == 59
    )


@given(LEVELS)
def test_every_level_satisfies_itself(level: str) -> None:
    assert ORDER.dominates(level, level)


@given(LEVELS, LEVELS)
def test_two_levels_that_satisfy_each_other_are_the_same(one: str, other: str) -> None:
    assert not (ORDER.dominates(one, other) and ORDER.dominates(other, one)) or one == other


@given(LEVELS, LEVELS, LEVELS)
def test_what_satisfies_a_level_satisfies_all_below_it(one: str, two: str, three: str) -> None:
    if ORDER.dominates(one, two) and ORDER.dominates(two, three):
        assert ORDER.dominates(one, three)


@given(LEVELS, LEVELS)
def test_the_mask_of_a_level_says_what_dominates_says(one: str, other: str) -> None:
    assert bool(ORDER.reach(one) & ORDER.bit(other)) == ORDER.dominates(one, other)
    assert ORDER.bit(other).bit_count() == 1


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
@settings(deadline=None)
def test_any_set_of_edges_is_either_a_partial_order_or_refused_as_a_cycle(
    edges: set[tuple[int, int]],
) -> None:
    levels = tuple(Level(id=LevelId(f"L{n}"), scheme="nsv", title="t") for n in range(8))
    covers = tuple((levels[a].id, levels[b].id) for a, b in sorted(edges))
    reached = set(edges)
    for _ in range(8):
        reached |= {(a, d) for a, b in reached for c, d in edges if b == c}
    if any(a == b for a, b in reached):
        with pytest.raises(LevelError, match="cycle"):
            LevelOrder(levels=levels, covers=covers, base=levels[0].id)
        return
    order = LevelOrder(levels=levels, covers=covers, base=levels[0].id)

    for one in order.ids:
        below = {other for other in order.ids if order.dominates(one, other)}
        assert one in below
        assert all(order.dominates(one, low) for high, low in covers if high in below)
        assert not any(order.dominates(other, one) for other in below - {one})


@pytest.mark.parametrize("unknown", ["", "n3", "XX", "BASE", "ANY", "N2", "RV "])
def test_an_unknown_level_is_an_error_and_never_an_answer(unknown: str) -> None:
    for ask in (
        lambda: ORDER.dominates(unknown, "DBSB"),
        lambda: ORDER.dominates("MV", unknown),
        lambda: ORDER.reach(unknown),
        lambda: ORDER.bit(unknown),
        lambda: ORDER.level(unknown),
    ):
        with pytest.raises(LevelError, match="is no level"):
            ask()
    assert not ORDER.knows(unknown)


def test_only_the_screening_levels_are_marked_as_such() -> None:
    assert {level.id for level in ORDER.levels if level.screening} == {
        "DBSB",
        "DBSS",
        "DBSE",
        "BPSS",
    }
    assert ORDER.base == "DBSB"
    assert ORDER.level("N2F").title == "NPPV2 full"


def test_two_readings_of_the_same_file_mean_the_same_and_another_order_does_not() -> None:
    other = LevelOrder(levels=ORDER.levels[::-1], covers=ORDER.covers, base=ORDER.base)

    assert LevelOrder.shipped() == ORDER
    assert ORDER.means_the_same_as(LevelOrder.shipped())
    assert not ORDER.means_the_same_as(other)


SMALL = """\
base = "A"
[[level]]
id = "A"
scheme = "nsv"
title = "first"
[[level]]
id = "B"
scheme = "nsv"
title = "second"
[[cover]]
holder = "B"
required = "A"
"""


def test_an_order_is_read_from_a_file() -> None:
    order = LevelOrder.from_toml(TomlSource.from_text(SMALL, file="levels.toml"))

    assert order.ids == ("A", "B")
    assert order.dominates("B", "A")
    assert not order.dominates("A", "B")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('holder = "B"', 'holder = "C"', "11: cover[1].holder: `C` is no level"),
        ('required = "A"', "required = [1]", "12: cover[1].required: `[1]` is no level"),
        ('id = "B"', 'id = "A"', "7: level[2].id: `A` is listed twice"),
        ('id = "B"', 'id = "and"', "7: level[2].id: `and` is a word of requirements"),
        ('id = "B"', 'id = "B C"', "7: level[2].id: `B C` is no id"),
        ('scheme = "nsv"\ntitle = "s', 'scheme = "x"\ntitle = "s', "8: level[2].scheme: `x`"),
        ('title = "first"', 'title = ""', "5: level[1].title: the title is missing"),
        ('title = "first"', "title = 'a'\nscreening = 1", "6: level[1].screening: `1` is neither"),
        ('title = "first"', "title = 'a'\nscreen = true", "6: level[1].screen: unknown key"),
        ('base = "A"', 'base = "Z"', "1: base: `Z` is no level"),
        ('base = "A"', "base = []", "1: base: `[]` is no level"),
        ('base = "A"', 'base = "A"\nlevels = 1', "2: levels: unknown key"),
        ('base = "A"', 'base = "A"\ncover = 1\n[x]', "2: cover: this is no list of tables"),
        ("[[cover]]", '[[cover]]\nholder="A"\nrequired="B"\n[[cover]]', "is a cycle"),
        ("[[cover]]", '[[cover]]\nholder="A"\nrequired="A"\n[[cover]]', "A > A is a cycle"),
        ("[[cover]]", '[[cover]]\nholder="B"\nrequired="A"\n[[cover]]', "edge is listed twice"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_line_and_gives_no_order(
    old: str, new: str, told: str
) -> None:
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    if "cover = 1" in new:
        text = text[: text.index("[x]")]

    with pytest.raises(TomlError) as refused:
        LevelOrder.from_toml(TomlSource.from_text(text, file="levels.toml"))

    assert told in str(refused.value)


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = SMALL.replace('"nsv"', '"x"').replace('holder = "B"', 'holder = "C"')

    with pytest.raises(TomlError) as refused:
        LevelOrder.from_toml(TomlSource.from_text(text, file="levels.toml"))

    assert [fault.line for fault in refused.value.faults] == [4, 8, 11]


def test_an_empty_file_is_no_order() -> None:
    with pytest.raises(TomlError):
        LevelOrder.from_toml(TomlSource.from_text("", file="levels.toml"))
    with pytest.raises(LevelError, match="no levels"):
        LevelOrder(levels=(), covers=(), base=LevelId("A"))


def test_lengths_are_data_and_the_shipped_ones_give_last_days() -> None:
    shipped = LevelOrder.shipped()
    granted_on = date(2024, 2, 29)

    lasting = {str(level.id): level.expires_on(granted_on) for level in shipped.levels}
    reviewed = {level.id for level in shipped.levels if level.review_due_on(granted_on)}
    assert lasting["N2F"] == date(2027, 2, 28)
    assert lasting["RV"] == date(2034, 2, 28)
    assert [level.id for level in shipped.levels if lasting[level.id] is None] == [
        level.id for level in shipped.levels if level.screening
    ]
    assert reviewed == {"eSC", "DV", "eDV", "N3", "RV", "MV"}
    assert {level.id for level in shipped.levels if not level.systems} == {"N1", "N2A"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("valid_years = 0", "`0` is no length"),
        ("valid_years = true", "`True` is no length"),
        ('review_months = "12"', "`12` is no length"),
        ("review_months = 500", "write 1 to 120"),
        ('systems = "no"', "neither true nor false"),
    ],
)
def test_a_wrong_length_or_flag_is_refused(line: str, told: str) -> None:
    text = f'base = "A"\n[[level]]\nid = "A"\nscheme = "nppv"\ntitle = "A"\n{line}\n'

    with pytest.raises(TomlError, match=told):
        LevelOrder.from_toml(TomlSource.from_text(text, file="levels.toml"))
