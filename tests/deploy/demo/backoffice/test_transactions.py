"""Pages that are opened under a number, which alone says what they are."""

from __future__ import annotations

from deploy.demo.backoffice import transactions
from deploy.demo.backoffice.transactions import Transactions


def test_a_number_says_which_screen_its_page_is_of() -> None:
    pages = Transactions()
    first, second = pages.begin("hr.sit"), pages.begin("pay.bank")

    assert (pages.screen_of(first), pages.screen_of(second)) == ("hr.sit", "pay.bank")
    assert pages.screen_of("1") is None
    assert pages.screen_of(None) is None


def test_the_oldest_pages_are_forgotten() -> None:
    pages = Transactions()
    oldest = pages.begin("hr.sit")
    newest = [pages.begin("hr.sit") for _ in range(transactions.MOST)][-1]

    assert pages.screen_of(oldest) is None
    assert pages.screen_of(newest) == "hr.sit"
