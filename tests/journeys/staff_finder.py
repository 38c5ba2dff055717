"""Finds generated staff of the demo who are what a journey needs."""

from __future__ import annotations

from functools import cache

from deploy.demo.scenario import load_scenario
from deploy.demo.staff import StaffMember, staff_of


@cache
def everybody() -> tuple[StaffMember, ...]:
    """Give the staff of all organisations, as the demo makes them."""
    scenario = load_scenario()
    return tuple(
        one for each in scenario.organisations for one in staff_of(each, scenario.accounts)
    )


def fire_staff_who_hold(level: str | None) -> StaffMember:
    """Give somebody of the fire service by what the register says of them."""
    return next(
        one
        for one in everybody()
        if one.organisation == "cheshire-fire" and one.account is None and words(one) == level
    )


def namesakes() -> tuple[StaffMember, StaffMember]:
    """Give two people with one user name: a constable cleared to RV, a firefighter to DBSB."""
    police = {
        one.username: one
        for one in everybody()
        if one.organisation == "cheshire-police"
        and words(one) == "RV"
        and one.posts == ("constable",)
    }
    fire = next(
        one
        for one in everybody()
        if one.organisation == "cheshire-fire"
        and words(one) == "DBSB"
        and one.posts == ("firefighter",)
        and one.username in police
    )
    return police[fire.username], fire


def words(member: StaffMember) -> str | None:
    """Say what the register has of somebody, as the scenario writes it; None for nothing."""
    return (member.holds.words or None) if member.holds else None
