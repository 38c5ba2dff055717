"""A person at a browser, without the person: asks for pages, keeps cookies, fills in forms.

Reads only what the pages promise to machines: `data-function`, `data-needs`, `data-reference` and
the fields of forms.
"""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from typing_extensions import override

from deploy.demo.provider_browser import NotSignedInError, ProviderBrowser

TIMEOUT_SECONDS = 30
FORM_TYPE = "application/x-www-form-urlencoded"
PAGE = "text/html,application/xhtml+xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile of the portal: the function, where it leads, what it asks for first."""

    function: str
    url: str | None
    needs: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    set_cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Give the body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def seen(self) -> Seen:
        """Give what stands on the page for machines."""
        seen = Seen()
        seen.feed(self.text)
        return seen

    @property
    def reference(self) -> str | None:
        """Give the reference of a refusal."""
        found = re.search(r'data-reference="([^"]+)"', self.text)
        return found[1] if found else self.headers.get("gateway-reference")


class Seen(HTMLParser):
    """The tiles, the form fields and the data attributes of a page."""

    def __init__(self) -> None:
        """See nothing yet."""
        super().__init__()
        self.tiles: list[Tile] = []
        self.fields: dict[str, str] = {}
        self.data: dict[str, list[str]] = {}

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        for name, value in named.items():
            if name.startswith("data-"):
                self.data.setdefault(name, []).append(value)
        if "data-function" in named and tag != "body":
            needs = named.get("data-needs")
            self.tiles.append(
                Tile(function=named["data-function"], url=named.get("href"), needs=needs)
            )
        elif self.tiles and tag == "a" and self.tiles[-1].url is None:
            last = self.tiles[-1]
            self.tiles[-1] = Tile(function=last.function, url=named.get("href"), needs=last.needs)
        if tag == "input" and named.get("type") == "hidden":
            self.fields[named.get("name", "")] = named.get("value", "")


@dataclass(slots=True, kw_only=True)
class Visitor:
    """Somebody who visits the gateway on this machine; over TLS where an authority is given."""

    port: int
    ca_file: Path | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    provider: ProviderBrowser = field(default_factory=ProviderBrowser)

    @property
    def origin(self) -> str:
        """Give the address as staff know it."""
        return f"{'https' if self.ca_file else 'http'}://localhost:{self.port}"

    def get(self, target: str, **headers: str) -> Page:
        """Ask for a page."""
        return self.ask("GET", target, headers=headers)

    def open(self, target: str) -> Page:
        """Ask for a page, and follow once where the back office opens it under a number."""
        page = self.get(target)
        return self.get(page.headers["location"]) if page.status == http.client.FOUND else page

    def post(self, target: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form from a page of the gateway."""
        body = urlencode(fields).encode()
        named = {"Content-Type": FORM_TYPE, "Origin": self.origin, **headers}
        return self.ask("POST", target, body=body, headers=named)

    def ask(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Ask anything; the target is sent exactly as it is written."""
        connection, answer = self._exchange(method, target, body, headers or {})
        try:
            read = answer.read()
        finally:
            connection.close()
        return _page(answer, read)

    def lines(self, target: str, **headers: str) -> Iterator[str]:
        """Read an answer line by line, as it comes."""
        connection, answer = self._exchange("GET", target, None, headers)
        try:
            while line := answer.readline():
                yield line.decode("utf-8", "replace").rstrip("\n")
        finally:
            connection.close()

    def pieces(self, target: str, size: int = 65_536) -> Iterator[bytes]:
        """Read an answer piece by piece; raises where it is not 200."""
        connection, answer = self._exchange("GET", target, None, {})
        try:
            if answer.status != http.client.OK:
                message = f"`{target}` answered {answer.status}"
                raise http.client.HTTPException(message)
            while piece := answer.read(size):
                yield piece
        finally:
            connection.close()

    @property
    def cookie_field(self) -> str:
        """Give what stands in the `Cookie` field; empty without cookies."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _exchange(
        self, method: str, target: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = connected(self.port, self.ca_file, TIMEOUT_SECONDS)
        named = {"Accept": PAGE, **{name.replace("_", "-"): held for name, held in headers.items()}}
        if self.cookies:
            named["Cookie"] = self.cookie_field
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"localhost:{self.port}")
        if isinstance(body, bytes) and not any(n.lower() == "content-length" for n in named):
            named["Content-Length"] = str(len(body))
        for name, value in named.items():
            connection.putheader(name, value)
        connection.endheaders(message_body=body)
        answer = connection.getresponse()
        self._keep_cookies(answer)
        return connection, answer

    def _keep_cookies(self, answer: http.client.HTTPResponse) -> None:
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            pair, *attributes = cookie.split(";")
            name, _, value = pair.strip().partition("=")
            gone = any(one.strip().lower() == "max-age=0" for one in attributes) or not value
            if gone:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def sign_in(self, organisation: str, username: str, password: str) -> Page:
        """Open the sign-in page, fill it in, send it; the answer is what came, not followed.

        Where the organisation has a provider, the form that is filled in is the provider's.
        """
        page = self.get(f"/-/sign-in/{quote(organisation, safe='')}") if organisation else None
        providers = page.seen.data.get("data-provider") if page else None
        if providers:
            return self._sign_in_at(providers[0], username, password)
        form = self.get("/-/sign-in").seen.fields
        typed = {"organisation": organisation, "username": username, "password": password}
        return self.post("/-/sign-in", {**form, **typed})

    def _sign_in_at(self, provider: str, username: str, password: str) -> Page:
        """Go to a provider, sign in there, and come back with what it puts into the address."""
        there = self.get(f"/-/oidc/{provider}/begin")
        if there.status != http.client.SEE_OTHER:
            return there
        self.provider = ProviderBrowser()  # nobody is signed in there yet
        try:
            back = self.provider.sign_in(there.headers["location"], username, password)
        except NotSignedInError as error:
            return Page(status=http.client.UNAUTHORIZED, headers={}, body=str(error).encode())
        split = urlsplit(back)
        return self.get(f"{split.path}?{split.query}")

    def sign_out(self) -> Page:
        """Send the sign-out form of the portal."""
        return self.post("/-/sign-out", self.get("/-/portal").seen.fields)

    def tiles(self) -> list[Tile]:
        """Give the tiles of the portal."""
        return self.get("/-/portal").seen.tiles


def connected(port: int, ca_file: Path | None, timeout: float) -> http.client.HTTPConnection:
    """Give a connection to the gateway on this machine, over TLS where an authority is given."""
    if ca_file is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    trusted = ssl.create_default_context(cafile=str(ca_file))
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=trusted)


def _page(answer: http.client.HTTPResponse, body: bytes) -> Page:
    headers = {name.lower(): value for name, value in answer.getheaders()}
    cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
    return Page(status=answer.status, headers=headers, body=body, set_cookies=cookies)
