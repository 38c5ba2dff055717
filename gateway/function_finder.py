"""What a request asks for: its one canonical target, and the function that this means.

Both depend on the target and the policy set alone, so they are kept from the second time on: the
same target under the same policy set has the same meaning. A body that comes with a request is read
beside it, as far as the catalogue declares it; a kind of body that it does not declare is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.backoffice.body_kind import boundary_of, kind_of
from gateway.backoffice.canonical import (
    CanonicalTarget,
    TargetError,
    canonicalise_form,
    canonicalise_target,
)
from gateway.backoffice.json_body import canonicalise_json
from gateway.backoffice.multipart_check import MultipartCheck
from gateway.newcomers import Newcomers
from gateway.system_hosts import CONTINUE
from gateway.wire.request_head import SAFE_METHODS, UNSEEN
from policies.catalogue import BodyKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.acts import OpenAct
    from gateway.system_hosts import SystemHost
    from gateway.wire.incoming import Incoming
    from gateway.wire.request_head import RequestHead
    from policies.catalogue import Catalogue, Match

_TARGETS_KEPT: Final = 4096
_LONGEST: Final = 1_024  # bytes; a long one is read into a hundred times that, and anybody can ask
_PAGES_AT_HOSTS: Final = frozenset({CONTINUE})
_READ_BYTES: Final = 256 * 1024  # the most of a form or JSON that is read to tell what it means


class UnfitBody(NamedTuple):
    """Why a body may not go with its request: the status to answer, a fixed word for the record."""

    status: int
    code: str


def _undeclared(
    head: RequestHead, kind: BodyKind | None, kinds: frozenset[BodyKind]
) -> UnfitBody | None:
    """Say why a body may not go with its request, by its kind alone.

    One that another proxy keeps may only be of the kind that nobody here reads: what the others
    hold may change what is asked for.
    """
    if head.body_length == UNSEEN:
        unread = kinds == {BodyKind.OTHER} and kind is BodyKind.OTHER
        told = b"content-type" in head.headers
        return None if unread and told else UnfitBody(403, "body-unseen")
    if kind is None or kind not in kinds:
        return UnfitBody(415, "body-undeclared" if kind else "body-type")
    return None


class Found(NamedTuple):
    """What a target means.

    Attributes:
        target: the one canonical target.
        match: the function it asks for; None for no known one.
        open_act: what is done without a session; None for what needs one.
    """

    target: CanonicalTarget
    match: Match | None
    open_act: OpenAct | None


def _none_open(path: str) -> None:  # noqa: ARG001 -- nothing is open, whatever the path
    return None


class FunctionFinder:
    """Finds the function of a request at one host. On the event loop only."""

    def __init__(
        self,
        open_acts: Callable[[str], OpenAct | None] = _none_open,
        *,
        host: SystemHost | None = None,
        apart: frozenset[str] = frozenset(),
    ) -> None:
        """Start with nothing known.

        Args:
            open_acts: by canonical path, what is open without a session; always the same.
            host: whose requests these are; None for the gateway's own.
            apart: systems that are reached at hosts of their own, and so not at the gateway's.
        """
        self._open_acts = open_acts
        self._host = host
        self._apart = apart
        self._newcomers = Newcomers(_TARGETS_KEPT)
        self._known: dict[tuple[str, bytes], Found] = {}
        self._known_of: Catalogue | None = None
        self._reached: Catalogue

    def reached(self, catalogue: Catalogue) -> Catalogue:
        """Give what of a catalogue is reached at this host."""
        if catalogue is not self._known_of:
            if self._host is None:
                self._reached = catalogue.without(self._apart)
            else:
                self._reached = catalogue.at(self._host.system, _PAGES_AT_HOSTS)
            self._known, self._known_of = {}, catalogue
        return self._reached

    def find(self, catalogue: Catalogue, method: str, target: bytes) -> Found:
        """Give the canonical target and what it means; no match means no known function.

        Raises:
            TargetError: the target has no single reading.
        """
        if catalogue is not self._known_of:
            self.reached(catalogue)
        key = (method, target)
        known = self._known.get(key)
        if known is None:
            reached = self._reached
            canonical = canonicalise_target(target, reached.declared_parameters)
            if self._host is not None:
                canonical = replace(canonical, host=self._host)
            match = reached.match(method, canonical.path, canonical.query)
            known = Found(canonical, match, self._open_acts(canonical.path))
            if len(target) <= _LONGEST and self._newcomers.came_before(key):
                if len(self._known) >= _TARGETS_KEPT:
                    self._known.clear()  # the common ones are soon back
                self._known[key] = known
        return known

    async def with_body(
        self,
        catalogue: Catalogue,
        target: CanonicalTarget,
        incoming: Incoming,
        match: Match | None,
    ) -> tuple[Match | None, UnfitBody | None]:
        """Read the body as far as it is declared to be read, and say what all of it means.

        A body that may not be is told beside what the address means by itself, and is refused only
        once that is permitted: earlier, it would tell which functions there are.

        Args:
            catalogue: what is reached here of that of the policy set in force.
            target: where it was sent.
            incoming: the request; a body that was read is given back to it.
            match: what the address means by itself.

        Raises:
            TargetError: the body has no single reading, or comes with a method that has none.
        """
        head = incoming.head
        method = head.method
        if method in SAFE_METHODS:
            if head.body_length:
                raise TargetError("body-unexpected")
            return match, None
        kinds = catalogue.bodies(method, target.path, target.query)
        if kinds is None:
            return None, None
        by_address = catalogue.match(method, target.path, target.query, ())
        if head.body_length == 0:
            return by_address, None
        kind = kind_of(head.headers)
        undeclared = _undeclared(head, kind, kinds)
        if undeclared is not None or kind is None or head.body_length == UNSEEN:
            return by_address, undeclared
        whole, unfit = by_address, None
        if kind is BodyKind.MULTIPART:
            check = MultipartCheck(boundary_of(head.headers), catalogue.watched(target.path))
            incoming.check_body(check)
            unfit = UnfitBody(*incoming.failure) if incoming.failed else None
        elif kind is not BodyKind.OTHER:
            body = await incoming.read_body(_READ_BYTES)
            if body is None:
                failure = incoming.failure if incoming.failed else (413, f"{kind}-too-large")
                return by_address, UnfitBody(*failure)
            incoming.put_back(body)
            whole = self._with_read(catalogue, method, target, kind, body)
        if whole is not None and kind not in whole.bodies:
            unfit = UnfitBody(415, "body-undeclared")
        return whole, unfit

    def _with_read(
        self,
        catalogue: Catalogue,
        method: str,
        target: CanonicalTarget,
        kind: BodyKind,
        body: bytes,
    ) -> Match | None:
        """Say what the address and a body mean together."""
        declared = catalogue.declared_parameters
        if kind is BodyKind.JSON:
            json = canonicalise_json(body, declared)
            return catalogue.match(method, target.path, target.query, (), json)
        form = canonicalise_form(body, declared)
        return catalogue.match(method, target.path, target.query, form)
