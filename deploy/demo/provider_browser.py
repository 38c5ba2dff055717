"""A browser at an OpenID provider: follows where it is sent, fills in its form, comes back."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT_SECONDS = 10
MOST_STEPS = 12
FORM_TYPE = "application/x-www-form-urlencoded"


class NotSignedInError(Exception):
    """The provider did not send the browser back."""


@dataclass(slots=True, kw_only=True)
class ProviderBrowser:
    """Somebody at a provider; its cookies stay from one sign-in to the next.

    Attributes:
        tls: for a provider with an authority of its own.
    """

    tls: ssl.SSLContext | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, url: str, username: str, password: str) -> str:
        """Go to the provider and sign in there; gives the address it sends the browser back to.

        Raises:
            NotSignedInError: if it does not, such as for a wrong password.
        """
        home = urlsplit(url).netloc
        fields: Mapping[str, str] | None = None
        status = 0
        for _ in range(MOST_STEPS):
            status, where, text = self._ask(url, fields)
            if where:
                url, fields = urljoin(url, where), None
                if urlsplit(url).netloc != home:
                    return url
            elif status == http.client.OK and 'name="password"' in text and fields is None:
                fields = {"username": username, "password": password}
            else:
                break
        message = f"the provider did not sign `{username}` in: {status}"
        raise NotSignedInError(message)

    def sign_out(self, url: str, fields: Mapping[str, str]) -> str:
        """Send the form (GET) that signs out at the provider, say yes; gives where it leads."""
        _, _, text = self._ask(f"{url}?{urlencode(fields)}", None)
        action = re.search(r'action="([^"]+)"', text)
        token = re.search(r'name="xsrf" value="([^"]+)"', text)
        if action is None or token is None:
            raise NotSignedInError("the provider does not ask whether to sign out")
        confirmed = urljoin(url, unescape(action[1]))
        _, where, _ = self._ask(confirmed, {"xsrf": token[1], "logout": "yes"})
        return where

    def _ask(self, url: str, fields: Mapping[str, str] | None) -> tuple[int, str, str]:
        split = urlsplit(url)
        host = split.hostname or ""
        connection = (
            http.client.HTTPSConnection(host, split.port, timeout=TIMEOUT_SECONDS, context=self.tls)
            if split.scheme == "https"
            else http.client.HTTPConnection(host, split.port, timeout=TIMEOUT_SECONDS)
        )
        headers = {"Accept": "text/html"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={held}" for name, held in self.cookies.items())
        body = None
        if fields is not None:
            body, headers["Content-Type"] = urlencode(fields), FORM_TYPE
        target = split.path + (f"?{split.query}" if split.query else "")
        try:
            connection.request("GET" if body is None else "POST", target, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].strip().partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer.status, answer.headers.get("Location", ""), text
