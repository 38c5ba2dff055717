"""The portal: what is open to this person, what they hold, what has ended, and whom to ask."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.conditions import HONOURED
from gateway.identity.factors.factor_notices import NoticeCode
from gateway.pages import local_time
from gateway.pages.factors import told
from gateway.pages.local_path import PORTAL
from gateway.pages.page import PageKit, PageRequest, Route, see_other

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.tiles import Tile
    from vetting.clearance import Clearance, HeldLevel
    from vetting.grants import ClearanceGrant

FUNCTION = "gate.portal"
_NO_ORIGINS: Mapping[str, str] = MappingProxyType({})

# From here on a person is told that something they hold is about to end; renewing takes weeks.
SOON = timedelta(days=90)
# So long is what has ended said at the top of the page; later it stands beside the tiles only.
LATELY = timedelta(days=42)
# So long after signing in one is told that an older session had to end for it.
NEW = timedelta(minutes=10)
_LONGEST_QUERY = 80
_MOST_NEWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalTile:
    """One function that this person may use.

    Attributes:
        function: its id.
        title: as the catalogue has it.
        url: what it opens.
        needs: `step-up` when one more proof of who they are is asked for, `purpose` when they are
            asked what they need it for, otherwise empty.
        search: what the search box looks through, in lower case without accents.
    """

    function: str
    title: str
    url: str
    needs: str
    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The tiles of one area, in alphabetical order."""

    title: str
    tiles: tuple[PortalTile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A grant of clearance in words.

    Attributes:
        title: the level in words.
        dates: until when, or since when no more.
        soon: said when it ends before long, otherwise empty.
    """

    title: str
    dates: str
    soon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened to second factors and has not been seen.

    Attributes:
        own: a sentence and when, of one's own.
        others: name, sentence and when, of staff whom one answers for.
        envelope: whether a break-glass account was used.
        more: how many there are besides.
        up_to: number of the newest; 0 where there is none.
    """

    own: list[tuple[str, datetime]]
    others: list[tuple[str, str, datetime]]
    envelope: bool
    more: int
    up_to: int


class PortalPage:
    """The first page after signing in."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule="/", endpoint="root", view=self.root, guarded_by=FUNCTION),
            Route(rule=PORTAL, endpoint="portal", view=self.show, guarded_by=FUNCTION),
        )

    def root(self) -> Response:
        """Lead to the portal."""
        return see_other(PORTAL)

    def show(self) -> Response:
        """Show the tiles, all of them or those that match `q`."""
        page = self._kit.open_request()
        subject = page.subject
        session = page.live_session.session
        tiles = self._kit.services.engine().tiles(
            subject,
            at=page.at,
            factors=session.factors,
            shown_at_us=session.second_factor_at_us,
            zone=page.visit.zone,
            honours=HONOURED,
        )
        query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
        hosts = self._kit.services.hosts
        areas = arrange(tiles, query, {name: each.origin for name, each in hosts.items()})
        return page.respond(
            "portal.html",
            areas=areas,
            query=query,
            shown=sum(len(area.tiles) for area in areas),
            total=sum(1 for tile in tiles if tile.function.entry),
            held=held(subject.clearance, at=page.at),
            ended=ended(subject.clearance, at=page.at),
            lately_ended=lately_ended(subject.clearance, at=page.at),
            displaced=_displaced(page),
            news=self._news(page),
            form_token=page.form_token,
        )

    def _news(self, page: PageRequest) -> News:
        """Say what happened to second factors, until the person says that they have seen it."""
        unseen = self._kit.services.notices.unseen(page.live_session, at=page.at)
        return News(
            own=[(told(each), each.at) for each in unseen.own[:_MOST_NEWS]],
            others=[(each.name, told(each), each.at) for each in unseen.others[:_MOST_NEWS]],
            envelope=any(each.code is NoticeCode.BREAK_GLASS for each in unseen.others),
            more=max(len(unseen.own) - _MOST_NEWS, 0) + max(len(unseen.others) - _MOST_NEWS, 0),
            up_to=unseen.up_to,
        )


def _displaced(page: PageRequest) -> int:
    """Say how many older sessions of the person this one has ended, while it is new."""
    if page.session is None:
        return 0
    session = page.session.session
    opened_at = datetime.fromtimestamp(session.started_at_us / 1_000_000, UTC)
    return session.displaced if page.at - opened_at < NEW else 0


def arrange(
    tiles: Iterable[Tile], query: str = "", origins: Mapping[str, str] = _NO_ORIGINS
) -> tuple[Area, ...]:
    """Group tiles by area, both in alphabetical order, and leave out those that do not match.

    Args:
        tiles: as the engine gives them; those whose function has no entry address are left out.
        query: words that must all occur in title, area or id; empty matches everything.
        origins: of systems that have hosts of their own.
    """
    words = folded(query).split()
    areas: dict[str, list[PortalTile]] = {}
    for tile in tiles:
        function = tile.function
        search = folded(f"{function.title} {function.area} {function.id}")
        if not function.entry or not all(word in search for word in words):
            continue
        areas.setdefault(function.area, []).append(
            PortalTile(
                function=function.id,
                title=function.title,
                url=origins.get(function.system, "") + function.entry,
                needs=tile.needs or "",
                search=search,
            )
        )
    return tuple(
        Area(
            title=area[:1].upper() + area[1:],
            tiles=tuple(sorted(of_area, key=lambda tile: folded(tile.title))),
        )
        for area, of_area in sorted(areas.items(), key=lambda item: folded(item[0]))
    )


def folded(text: str) -> str:
    """Bring text to a form in which it is searched: lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def held(clearance: Clearance, *, at: datetime) -> tuple[Holding, ...]:
    """Say what a person holds at an instant, what ends first at the top."""
    today = local_time.today(at)
    return tuple(
        Holding(title=level.title, dates=_sentence(level.words), soon=_soon(level, today))
        for level in sorted(_described(clearance, clearance.held(at=at), at), key=_end_first)
    )


def ended(clearance: Clearance, *, at: datetime) -> tuple[Holding, ...]:
    """Say what has ended and left a gap, the latest at the top."""
    levels = _described(clearance, clearance.ended(at=at), at)
    return tuple(
        Holding(title=level.title, dates=_sentence(level.words))
        for level in sorted(levels, key=_end_first, reverse=True)
    )


def lately_ended(clearance: Clearance, *, at: datetime) -> tuple[HeldLevel, ...]:
    """Give what has ended in the last weeks: a person is told of it before they miss a service."""
    since = local_time.today(at) - LATELY
    return tuple(
        level
        for level in _described(clearance, clearance.ended(at=at), at)
        if level.ends_on is not None and level.ends_on >= since
    )


def _described(
    clearance: Clearance, grants: Iterable[ClearanceGrant], at: datetime
) -> list[HeldLevel]:
    return [clearance.describe(grant, at=at) for grant in grants]


def _end_first(level: HeldLevel) -> tuple[date, str]:
    return (level.ends_on or date.max, level.title)


def _soon(level: HeldLevel, today: date) -> str:
    if level.ends_on is None or level.ends_on > today + SOON:
        return ""
    days = (level.ends_on - today).days
    return {0: "Ends today", 1: "Ends tomorrow"}.get(days, f"Ends in {days} days")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
