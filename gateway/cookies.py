"""The cookies the gateway sets: their names, flags and purpose, all from one place.

The cookies page is written from the same list, so what it says is what is set. A name beginning
with `__Host-` makes the browser refuse the cookie unless it is Secure, for the whole path and for
this host alone (RFC 6265bis section 4.1.3.2), so a neighbouring host cannot plant one. On plain
http://localhost that prefix cannot be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How long the browser remembers which organisation was chosen: about half a year.
REMEMBER_ORGANISATION_SECONDS = 180 * 24 * 60 * 60
# How long somebody may take to sign in at their own organisation.
PROVIDER_SIGN_IN_SECONDS = 10 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie the gateway sets.

    Attributes:
        name: as sent to the browser.
        purpose: a sentence for the cookies page.
        lasts: how long it lasts, in words for the cookies page.
        max_age_seconds: None for a cookie that ends with the browser.
        same_site: Lax, so that a link in a message opens signed in, and a foreign form does not.
    """

    name: str
    purpose: str
    lasts: str
    max_age_seconds: int | None = None
    same_site: Literal["Lax", "Strict"] = "Lax"


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiePolicy:
    """Which cookies are set, and whether they carry Secure.

    Attributes:
        secure: False only for plain http on localhost.
        session: who is signed in.
        form: ties a form to the browser it was shown to, before anyone is signed in.
        organisation: the organisation chosen at the last sign-in.
        provider: ties a sign-in at a provider to the browser that began it.
        stage: a sign-in that still owes a second factor.
        sign_on: ties signing on at a system's own host to the browser that began it there.
        hosts: whether there are such hosts.
    """

    secure: bool
    session: Cookie
    form: Cookie
    organisation: Cookie
    provider: Cookie
    stage: Cookie
    sign_on: Cookie
    hosts: bool = False

    @classmethod
    def for_origin(cls, origin: str, *, hosts: bool = False) -> CookiePolicy:
        """Choose names and flags for an origin such as `https://gate.example.police.uk`.

        Args:
            origin: the gateway's own.
            hosts: whether systems have hosts of their own beside it; names and flags are the same.

        Raises:
            ValueError: the origin is neither https nor http on this machine.
        """
        secure = origin.startswith("https://")
        if not secure and not _is_plain_localhost(origin):
            message = f"cookies: origin `{origin[:80]}` is neither https nor http://localhost"
            raise ValueError(message)
        name = "__Host-gateway" if secure else "gateway-localhost"
        return cls(
            secure=secure,
            session=Cookie(
                name=name,
                purpose="Knows you while you are signed in. It holds a random number and nothing "
                "about you.",
                lasts="Until you sign out, close the browser or have not used the service for a "
                "while",
            ),
            form=Cookie(
                name=f"{name}-form",
                purpose="Makes sure that the sign-in form you send is the one we showed you.",
                lasts="Until you have signed in or close the browser",
            ),
            organisation=Cookie(
                name=f"{name}-organisation",
                purpose="Remembers which organisation you chose, so that you need not choose it "
                "again.",
                lasts="180 days",
                max_age_seconds=REMEMBER_ORGANISATION_SECONDS,
            ),
            provider=Cookie(
                name=f"{name}-provider",
                purpose="Makes sure that a sign-in at your organisation comes back to the browser "
                "that began it. It holds a random number.",
                lasts="10 minutes",
                max_age_seconds=PROVIDER_SIGN_IN_SECONDS,
            ),
            stage=Cookie(
                name=f"{name}-stage",
                purpose="Knows you between your password and your second factor. It holds a random "
                "number and nothing about you.",
                lasts="Ten minutes, or until you have signed in",
                max_age_seconds=600,
            ),
            sign_on=Cookie(
                name=f"{name}-sign-on",
                purpose="Makes sure that what opens a service with an address of its own is the "
                "browser that asked for it. It holds a random number.",
                lasts="Until that service has opened, or you close the browser",
            ),
            hosts=hosts,
        )

    def all(self) -> tuple[Cookie, ...]:
        """List every cookie, in the order of the cookies page."""
        at_hosts = (self.sign_on,) if self.hosts else ()
        return (
            *(self.session, self.form, self.organisation, self.provider, self.stage),
            *at_hosts,
        )


def cookies_sent(header: bytes, name: bytes) -> list[bytes]:
    """Give each value that stands under a name in a `Cookie` field.

    Args:
        header: the field's value, as sent.
        name: of the cookie.
    """
    mark = name + b"="
    parts = map(bytes.strip, header.split(b";"))
    return [part[len(mark) :] for part in parts if part.startswith(mark)]


def _is_plain_localhost(origin: str) -> bool:
    host, _, port = origin.removeprefix("http://").partition(":")
    plain = origin.startswith("http://")
    return plain and host in {"localhost", "127.0.0.1"} and (not port or port.isdecimal())
