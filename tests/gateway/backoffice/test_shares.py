"""Who may have one more of what there is a number of."""

import pytest

from gateway.backoffice.shares import Shares


def taken(most: int, people: int) -> list[int]:
    """Have one person after the other take all they get."""
    shares, left, held = Shares(most), most, []
    for _ in range(people):
        theirs = 0
        while left and shares.allow(theirs + 1, left - 1):
            theirs, left = theirs + 1, left - 1
        held.append(theirs)
    return held


@pytest.mark.parametrize(
    ("most", "held"),
    [(1, [1, 0]), (2, [1, 1, 0]), (4, [3, 1, 0]), (16, [14, 1, 1]), (64, [56, 7, 1, 0])],
)
def test_nobody_has_more_than_seven_times_what_is_left_but_for_a_few(
    most: int, held: list[int]
) -> None:
    assert taken(most, len(held)) == held


@pytest.mark.parametrize("most", [2, 3, 5, 64, 1_000, 4_096])
def test_one_person_alone_gets_seven_eighths(most: int) -> None:
    assert taken(most, 1) == [most * 7 // 8]


@pytest.mark.parametrize("most", [1, 2, 3, 7, 64, 1_000])
def test_with_plenty_left_nobody_has_their_share(most: int) -> None:
    """So nobody has to be counted; and with one more in use, one person may have all of them."""
    shares = Shares(most)

    assert all(shares.allow(used + 1, most - used - 1) for used in range(shares.plenty))
    assert shares.plenty == most or not shares.allow(shares.plenty + 1, most - shares.plenty - 1)


def test_anybody_may_have_a_few_as_long_as_there_is_one() -> None:
    assert [Shares(64).allow(theirs, 0) for theirs in (1, 4, 5)] == [True, True, False]
