"""Finds generated staff of the demo who are what a journey needs."""

from __future__ import annotations

from functools import cache

from deploy.demo.accounts import load_accounts
from deploy.demo.organisations import FIRE, ORGANISATIONS, POLICE
from deploy.demo.staff import StaffMember, staff_of


@cache
def everybody() -> tuple[StaffMember, ...]:
    """Give the staff of all organisations, as the demo makes them."""
    accounts = load_accounts()
    return tuple(one for each in ORGANISATIONS for one in staff_of(each, accounts))


def fire_staff_who_hold(level: str | None) -> StaffMember:
    """Give somebody of the fire service by what the register says of them."""
    return next(
        one
        for one in everybody()
        if one.organisation == FIRE.id and one.account is None and one.holds == level
    )


def namesakes() -> tuple[StaffMember, StaffMember]:
    """Give two people with one user name: a constable cleared to RV, a firefighter to DBSB."""
    police = {
        one.username: one
        for one in everybody()
        if one.organisation == POLICE.id and one.holds == "RV" and one.posts == ("constable",)
    }
    fire = next(
        one
        for one in everybody()
        if one.organisation == FIRE.id
        and one.holds == "DBSB"
        and one.posts == ("firefighter",)
        and one.username in police
    )
    return police[fire.username], fire
