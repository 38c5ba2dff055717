"""What a request asks for: its one canonical target, and the function that this means.

Both depend on the target and the policy set alone, so they are kept: the same target under the same
policy set has the same meaning. A form that comes with a request is read beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.backoffice.canonical import (
    CanonicalTarget,
    TargetError,
    canonicalise_form,
    canonicalise_target,
)
from gateway.wire.request_head import SAFE_METHODS

if TYPE_CHECKING:
    from gateway.wire.incoming import Incoming
    from policies.catalogue import Catalogue, Match

_TARGETS_KEPT: Final = 4096
_FORM_BYTES: Final = 256 * 1024  # the most of a form that is read to tell what it means
_FORM_TYPE: Final = b"application/x-www-form-urlencoded"


class FormUnreadError(TargetError):
    """A form that would have to be read to know what it asks for was not; `status` says why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


class FunctionFinder:
    """Finds the function of a request. On the event loop only."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._known: dict[tuple[str, bytes], tuple[CanonicalTarget, Match | None]] = {}
        self._known_of: Catalogue | None = None

    def find(
        self, catalogue: Catalogue, method: str, target: bytes
    ) -> tuple[CanonicalTarget, Match | None]:
        """Give the canonical target and what it means; no match means no known function.

        Raises:
            TargetError: the target has no single reading.
        """
        if catalogue is not self._known_of:
            self._known, self._known_of = {}, catalogue
        key = (method, target)
        known = self._known.get(key)
        if known is None:
            canonical = canonicalise_target(target, catalogue.declared_parameters)
            known = (canonical, catalogue.match(method, canonical.path, canonical.query))
            if len(self._known) >= _TARGETS_KEPT:
                self._known.clear()  # a scan fills it with rubbish; the common ones are soon back
            self._known[key] = known
        return known

    async def with_form(
        self,
        catalogue: Catalogue,
        target: CanonicalTarget,
        incoming: Incoming,
        match: Match | None,
    ) -> Match | None:
        """Read the form, if one comes, and say what it and the address mean together.

        A form is read wherever one is sent: the back office would take from it a function or a
        person that the address does not name. What is no form streams, unless the function is told
        by the form alone; then it means nothing.

        Args:
            catalogue: of the policy set in force.
            target: where it was sent.
            incoming: the request; the form is given back to it.
            match: what the address means by itself.

        Raises:
            TargetError: the form has no single reading; `FormUnreadError` where it is too large or
                never came whole.
        """
        head = incoming.head
        method = head.method
        if method in SAFE_METHODS:
            return match
        if match is None and not catalogue.body_parameters(method, target.path, target.query):
            return None
        if head.body_length == 0:
            return catalogue.match(method, target.path, target.query, ())
        # Whoever is lenient about what follows the type reads a form all the same.
        if not head.headers.get(b"content-type", b"").strip().lower().startswith(_FORM_TYPE):
            return match
        body = await incoming.read_body(_FORM_BYTES)
        if body is None:
            failure = incoming.failure if incoming.failed else (413, "form-too-large")
            raise FormUnreadError(*failure)
        incoming.put_back(body)
        form = canonicalise_form(body, catalogue.declared_parameters)
        return catalogue.match(method, target.path, target.query, form)
