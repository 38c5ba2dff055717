"""Requirements over levels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetting.errors import RequirementError
from vetting.levels import LevelOrder
from vetting.requirement import MAX_DEPTH, MAX_TEXT_CHARACTERS, Requirement

ORDER = LevelOrder.shipped()


def reach(*held: str) -> int:
    mask = 0
    for level in held:
        mask |= ORDER.reach(level)
    return mask


@pytest.mark.parametrize(
    ("text", "held", "met"),
    [
        ("N2F", (), False),
        ("N2F", ("N2F",), True),
        ("N2F", ("N2A",), False),
        ("N2F", ("RV",), True),
        ("N2F", ("eDV",), False),  # DV does not open a payroll screen
        ("SC", ("MV",), False),  # and force vetting no national secret
        ("N3 and SC", ("N3",), False),
        ("N3 and SC", ("SC",), False),
        ("N3 and SC", ("N3", "DV"), True),
        ("RV or N3", ("RV",), True),
        ("RV or N3", ("N3",), True),
        ("RV or N3", ("N2F",), False),
        ("RV or N3 and SC", ("RV",), True),
        ("RV or N3 and SC", ("N3",), False),
        ("(RV or N3) and SC", ("RV",), False),
        ("(RV or N3) and SC", ("RV", "SC"), True),
        ("SC and RV or N3", ("N3",), True),
        ("BASE", (), False),
        ("BASE", ("DBSB",), True),
        ("BASE", ("DBSE",), True),
        ("BASE", ("CTC",), True),
        ("BASE", ("N2F",), True),
        ("BASE", ("N2A",), False),  # N2A alone is not BASE
        ("BASE", ("N1",), False),
        ("ANY", (), True),
        ("ANY or RV", (), True),
        ("ANY and RV", (), False),
        ("ANY and RV", ("RV",), True),
    ],
)
def test_a_requirement_is_met_by_what_reaches_it(
    text: str, held: tuple[str, ...], *, met: bool
) -> None:
    assert Requirement.parse(text, ORDER).met_by(reach(*held)) is met


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  N2F ", "N2F"),
        ("((N2F))", "N2F"),
        ("RV   or\n(N3\tand SC)", "RV or N3 and SC"),
        ("(RV or N3)and(SC)", "(RV or N3) and SC"),
        ("RV or (N3 or SC)", "RV or N3 or SC"),
        ("(RV and (N3 and SC)) or BASE", "RV and N3 and SC or BASE"),
        ("N3 and (RV or (SC or CTC) and BASE)", "N3 and (RV or (SC or CTC) and BASE)"),
    ],
)
def test_the_text_is_written_in_one_way(text: str, canonical: str) -> None:
    assert Requirement.parse(text, ORDER).text == canonical
    assert str(Requirement.parse(text, ORDER)) == canonical


@pytest.mark.parametrize(
    ("text", "position", "told"),
    [
        ("", 1, "a level is missing at the end"),
        ("   ", 4, "a level is missing at the end"),
        ("N9", 1, "`N9` is no level"),
        ("RV or n3", 7, "`n3` is no level, did you mean `N3`"),
        ("base", 1, "did you mean `BASE`"),
        ("RV AND N3", 4, "`AND` where `and`, `or` or the end belongs"),
        ("RV N3", 4, "`N3` where"),
        ("RV or", 6, "a level is missing at the end"),
        ("or RV", 1, "`or` where a level belongs"),
        ("RV and or N3", 8, "`or` where a level belongs"),
        ("(RV", 1, "the parenthesis is never closed"),
        ("RV or (N3 and (SC or CTC)", 7, "the parenthesis is never closed"),
        ("(RV N3)", 5, "`N3` where `and`, `or` or `)` belongs"),
        ("RV)", 3, "`)` where"),
        ("()", 2, "`)` where a level belongs"),
        ("RV & N3", 4, "`&` where"),
        ("not RV", 1, "`not` is no level"),
        ("RV\x00", 3, "`?` where"),
        ("N3é", 3, "`é` where"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_position(
    text: str, position: int, told: str
) -> None:
    with pytest.raises(RequirementError) as refused:
        Requirement.parse(text, ORDER)

    assert refused.value.position == position
    assert told in str(refused.value)
    assert f"(character {position})" in str(refused.value)


def test_hostile_texts_are_refused_before_they_cost_anything() -> None:
    deep = "(" * (MAX_DEPTH + 1) + "RV" + ")" * (MAX_DEPTH + 1)
    pairs = ("CTC", "N1"), ("SC", "N2A"), ("eSC", "N2F"), ("DV", "N3"), ("eDV", "MV")
    wide = " and ".join(f"({' or '.join(pair)} or DBSS or DBSE or RV)" for pair in pairs)

    for text in ("RV or " * 200 + "RV", deep):
        with pytest.raises(RequirementError):
            Requirement.parse(text, ORDER)
    assert len(wide) <= MAX_TEXT_CHARACTERS
    assert Requirement.parse(wide, ORDER).met_by(reach("DBSE"))
    Requirement.parse(deep[1:-1], ORDER)


def test_too_many_alternatives_are_refused() -> None:
    """Twelve incomparable levels, six at a time, make 924 alternatives."""
    levels = tuple(
        replace(ORDER.levels[0], id=f"L{n}")  # type: ignore[arg-type]  # text is what a LevelId is
        for n in range(12)
    )
    flat = LevelOrder(levels=levels, covers=(), base=levels[0].id)
    text = " and ".join(f"(L{n} or L{n + 1})" for n in range(0, 12, 2))
    more = " and ".join(f"(L{n} or L{n + 1} or L{n + 2})" for n in range(0, 12, 3))

    assert Requirement.parse(text, flat).missing(0)
    with pytest.raises(RequirementError, match="more than 64 alternatives"):
        Requirement.parse(more, flat)


@pytest.mark.parametrize(
    ("text", "held", "missing"),
    [
        ("N2F", (), (("N2F",),)),
        ("N2F", ("RV",), ()),
        ("N3 and SC", (), (("SC", "N3"),)),
        ("N3 and SC", ("N3",), (("SC",),)),
        ("RV or N3 and SC", ("N3",), (("RV",), ("SC",))),
        ("RV or N3 and SC", (), (("RV",), ("SC", "N3"))),
        ("BASE", ("N2A",), (("DBSB",),)),
        ("MV or RV", (), (("RV",),)),  # MV would do too, but RV is enough
        ("MV", ("RV",), (("MV",),)),
        ("ANY", (), ()),
    ],
)
def test_what_is_missing_is_told_as_alternatives(
    text: str, held: tuple[str, ...], missing: tuple[tuple[str, ...], ...]
) -> None:
    assert Requirement.parse(text, ORDER).missing(reach(*held)) == missing


@pytest.mark.parametrize(
    ("one", "other", "stricter"),
    [
        ("N2F", "BASE", True),
        ("BASE", "N2F", False),
        ("N2F", "N2F", True),
        ("N3 and SC", "N3", True),
        ("N3 or RV", "N3", False),
        ("N3 or RV", "N2F", True),
        ("BASE", "ANY", True),
        ("ANY", "BASE", False),
    ],
)
def test_strictness_is_told(one: str, other: str, *, stricter: bool) -> None:
    read, against = Requirement.parse(one, ORDER), Requirement.parse(other, ORDER)

    assert read.at_least_as_strict_as(against) is stricter


def test_only_what_asks_for_nothing_is_always_met() -> None:
    assert Requirement.parse("ANY or SC", ORDER).always_met
    assert not Requirement.parse("BASE", ORDER).always_met


def test_a_requirement_without_alternatives_is_never_met() -> None:
    assert not Requirement(text="", order=ORDER, _masks=()).met_by(reach(*ORDER.ids))


EXPRESSIONS = st.recursive(
    st.sampled_from([*ORDER.ids, "BASE", "ANY"]),
    lambda inner: st.tuples(
        st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=8,
)


Tree = str | tuple[str, list[Any]]


def write(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    joiner, parts = tree
    return f" {joiner} ".join(f"({write(part)})" for part in parts)


def evaluate(tree: Tree, held: int) -> bool:
    """What a reader would say, by walking the tree."""
    if isinstance(tree, str):
        if tree == "ANY":
            return True
        return bool(held & ORDER.bit("DBSB" if tree == "BASE" else tree))
    joiner, parts = tree
    met = [evaluate(part, held) for part in parts]
    return all(met) if joiner == "and" else any(met)


@given(EXPRESSIONS)
@settings(deadline=None)
def test_what_was_written_is_read_back_equal(tree: Tree) -> None:
    read = Requirement.parse(write(tree), ORDER)

    assert Requirement.parse(read.text, ORDER) == read


@given(EXPRESSIONS, st.sets(st.sampled_from(ORDER.ids)))
@settings(deadline=None)
def test_the_compiled_requirement_agrees_with_a_walk_over_the_tree(
    tree: Tree, held: set[str]
) -> None:
    read, mask = Requirement.parse(write(tree), ORDER), reach(*held)

    assert read.met_by(mask) is evaluate(tree, mask)


@given(EXPRESSIONS, st.sets(st.sampled_from(ORDER.ids)))
@settings(deadline=None)
def test_gaining_what_is_missing_meets_the_requirement_and_nothing_less_does(
    tree: Tree, held: set[str]
) -> None:
    read, mask = Requirement.parse(write(tree), ORDER), reach(*held)

    for alternative in read.missing(mask):
        assert alternative
        assert read.met_by(mask | reach(*alternative))
        assert not read.met_by(mask | reach(*alternative[1:]))


@given(EXPRESSIONS, st.sets(st.sampled_from(ORDER.ids)), st.sampled_from(ORDER.ids))
@settings(deadline=None)
def test_one_more_grant_never_closes_what_was_open(tree: Tree, held: set[str], more: str) -> None:
    read, mask = Requirement.parse(write(tree), ORDER), reach(*held)

    assert not read.met_by(mask) or read.met_by(mask | reach(more))


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    position = 1
    try:
        Requirement.parse(text, ORDER)
    except RequirementError as refused:
        position = refused.position

    assert 1 <= position <= len(text) + 1


def test_what_is_held_may_leave_one_alternative_within_another() -> None:
    """Somebody with DBS Standard lacks N1 alone; "N1 and BPSS" would ask for too much."""
    order = LevelOrder.shipped()
    requirement = Requirement.parse("N1 and (DBSS or BPSS)", order)

    assert requirement.missing(order.reach("DBSS")) == (("N1",),)
