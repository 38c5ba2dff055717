"""The sections of the systems of the back office, and what holds for one of them and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, Strict

from gateway.account_table import AccountTableError, read_account_table
from gateway.settings_accounts import AccountsSection, FixedText, FunctionHeadersSection
from gateway.settings_faults import FaultList, Place
from gateway.settings_sections import (
    ORIGIN,
    Claim,
    FilePath,
    Identifier,
    Section,
    ToldName,
    UrlPath,
)
from vetting.errors import quoted

HOST = r"^[a-z0-9.-]+(:[0-9]{1,5})?$"
# Whole names only: labels as hosts have them, no scheme, no port, no `*`.
PUBLIC_HOST = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Fields that frame a message, or say who asks: the gateway alone writes them.
RESERVED_FIELDS = frozenset(
    {
        "authorization", "connection", "content-length", "content-type", "cookie", "expect",
        "forwarded", "host", "keep-alive", "proxy-authorization", "proxy-connection",
        "set-cookie", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
OWN_FIELDS = ("sec-", "x-forwarded-", "gateway-", "x-request-id")
Url = Annotated[str, Field(pattern=ORIGIN)]


class UpstreamSection(Section):
    """One system of the back office."""

    id: Identifier
    """Write the name the catalogue gives this system, in lower-case letters, digits and hyphens."""
    url: Url | None = None
    """Write where the system is reached, such as `https://ebs.internal:8443`, without a path."""
    urls: Annotated[tuple[Url, ...], Strict(strict=False), Field(max_length=32)] = ()
    """In the place of `url`: where each instance of the system is reached, all of them alike."""
    host: str | None = Field(default=None, pattern=HOST, max_length=255)
    """The name that every instance is asked by (`Host`) and shows a certificate for."""
    balance: Literal["in-turn", "least-loaded", "by-person"] = "in-turn"
    """Which instance is asked: each in turn, that with the fewest requests, or a person's own."""
    audience: str = Field(min_length=1, max_length=200)
    """Write the audience of the signed assertion that the system expects."""
    paths: Annotated[tuple[UrlPath, ...], Strict(strict=False), Field(min_length=1)]
    """Write the path prefixes that belong to this system, such as `/OA_HTML/`."""
    public_host: str | None = Field(default=None, pattern=PUBLIC_HOST, max_length=253)
    """Write a whole name for this system alone, such as `fleet.gate.example`: no port, no `*`."""
    resources: Annotated[tuple[UrlPath, ...], Strict(strict=False)] = ()
    """Paths of style sheets, scripts and images; `/OA_MEDIA/*` stands for everything below."""
    ca_file: FilePath | None = None
    """The certificate authority (PEM) that must have signed the system's certificate."""
    certificate_file: FilePath | None = None
    """The certificate (PEM) the gateway shows a system that asks for one (mutual TLS)."""
    key_file: FilePath | None = None
    """The key (PEM, mode 0600, without a password) of `certificate_file`."""
    connect_seconds: float = Field(default=2.0, ge=0.1, le=30)
    """How long connecting may take."""
    first_byte_seconds: float = Field(default=30.0, ge=0.5, le=600)
    """How long the first byte of an answer may take."""
    idle_seconds: float = Field(default=30.0, ge=0.5, le=600)
    """How long an answer that has begun may pause."""
    total_seconds: float | None = Field(default=None, ge=1, le=86_400)
    """How long a request and its answer may take together; without it, as long as they go on."""
    max_connections: int = Field(default=64, ge=1, le=4_096)
    """The most connections one worker keeps to each instance; one person has 7 in 8 at most."""
    websockets: int = Field(default=1_000, ge=0, le=65_536)
    """The most WebSockets one worker keeps beside those; one person has 7 in 8 at most."""
    websocket_idle_seconds: float = Field(default=300.0, ge=1, le=3_600)
    """How long nobody may say anything on a WebSocket."""
    failures: int = Field(default=3, ge=1, le=100)
    """So many failures in a row put an instance out of service."""
    out_seconds: float = Field(default=10.0, ge=0.1, le=300)
    """How long an instance is out of service the first time; twice as long each time after."""
    health_path: UrlPath | None = None
    """A path that answers 200 to 399 while an instance is well; without it, we only connect."""
    health_seconds: float = Field(default=5.0, ge=0.1, le=300)
    """How often each worker asks for `health_path`."""
    identity_headers: Mapping[ToldName, Claim] = Field(default_factory=dict)
    """Header fields that name the person beside the assertion, each with what it holds."""
    fixed_headers: Mapping[ToldName, FixedText] = Field(default_factory=dict)
    """Header fields that always hold the same text."""
    function_headers: Annotated[tuple[FunctionHeadersSection, ...], Strict(strict=False)] = ()
    """Header fields that go with some functions alone."""
    accounts: AccountsSection | None = None
    """Who a person is at this system; whoever has no account there is refused."""
    bind_assertion: bool = False
    """Sign an assertion for each request, which holds for its method, path and query alone."""
    sign_out_path: UrlPath | None = None
    """The path that is called at the system when a person signs out."""
    cookies: Literal["keep", "pass"] = "keep"
    """`keep` holds the system's cookies in the gateway, `pass` hands them to the browser."""

    @property
    def places(self) -> tuple[str, ...]:
        """Give where each instance is reached."""
        return self.urls or (self.url or "",)


def check_upstream(where: Place, section: UpstreamSection, faults: FaultList) -> None:
    """Check what holds within the section of one system, and its files."""
    if bool(section.urls) is (section.url is not None):
        message = "`url` and `urls` stand beside each other" if section.url else "`url` is missing"
        remedy = "write where the system is reached: `url` for one place, `urls` for several"
        faults.add((*where, "url") if section.url else where, message, remedy)
    named: list[tuple[Place, str]] = [
        ((*where, "urls", number), each) for number, each in enumerate(section.urls)
    ]
    if section.url is not None:
        named.append(((*where, "url"), section.url))
    for place, each in named:
        url = urlsplit(each)
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            message = f"{quoted(each)} is plain HTTP off this machine"
            faults.add(place, message, "write https://")
        if sum(each == other for _, other in named) > 1 and each in section.urls:
            faults.add(place, f"{quoted(each)} stands there twice", "write each instance once")
        if url.scheme != urlsplit(named[0][1]).scheme:
            faults.add(place, f"{quoted(each)} is reached otherwise", "write https:// for all")
    if section.cookies == "pass" and section.sign_out_path:
        message = "the system's cookies, which its sign-out needs, are not kept with `pass`"
        remedy = "leave `sign_out_path` out, or have the cookies kept"
        faults.add((*where, "sign_out_path"), message, remedy)
    _check_files(where, section, faults)
    _check_told(where, section, faults)
    if section.accounts is not None:
        _check_accounts((*where, "accounts"), section.accounts, faults)


def _check_files(where: Place, section: UpstreamSection, faults: FaultList) -> None:
    if section.ca_file:
        faults.demand_readable((*where, "ca_file"), section.ca_file)
    if (section.certificate_file is None) != (section.key_file is None):
        message = "`certificate_file` and `key_file` belong together"
        faults.add(where, message, "write both, or neither")
    if section.certificate_file:
        faults.demand_readable((*where, "certificate_file"), section.certificate_file)
    if section.key_file and faults.demand_readable((*where, "key_file"), section.key_file):
        faults.demand_private((*where, "key_file"), section.key_file)


def _check_told(where: Place, section: UpstreamSection, faults: FaultList) -> None:
    """Check the fields that tell who asks: their names, and that there is what they hold."""
    seen: set[str] = set()
    for index, each in enumerate(section.function_headers):
        place: Place = (*where, "function_headers", index)
        for function in each.functions:
            if function in seen:
                message = f"{quoted(function)} stands in two tables"
                faults.add((*place, "functions"), message, "write all its fields in one")
            seen.add(function)
        _check_fields(place, each, section.accounts, faults)
    _check_fields(where, section, section.accounts, faults)


def _check_fields(
    where: Place,
    table: FunctionHeadersSection | UpstreamSection,
    accounts: AccountsSection | None,
    faults: FaultList,
) -> None:
    tables = ("identity_headers", table.identity_headers), ("fixed_headers", table.fixed_headers)
    seen: set[str] = set()
    for kind, names in tables:
        for name in names:
            # Those who read `_` as `-` must not read one of these, or one field twice.
            plain = name.lower().replace("_", "-")
            if plain in RESERVED_FIELDS or plain.startswith(OWN_FIELDS):
                message = f"{quoted(name)} is not free to set"
                faults.add((*where, kind, name), message, "choose another name")
            elif plain in seen:
                message = f"{quoted(name)} stands there twice"
                faults.add((*where, kind, name), message, "write each field once")
            seen.add(plain)
    for name, claim in table.identity_headers.items():
        if claim.startswith("account") and accounts is None:
            message = f"{quoted(claim)} is known of nobody without `accounts`"
            remedy = "write `[upstream.accounts]`"
            faults.add((*where, "identity_headers", name), message, remedy)
        elif claim == "account_guid" and accounts and accounts.file is None:
            message = "`account_guid` stands in a table alone"
            remedy = "name it as `file` of `[upstream.accounts]`"
            faults.add((*where, "identity_headers", name), message, remedy)


def _check_accounts(where: Place, section: AccountsSection, faults: FaultList) -> None:
    if section.file is None and not section.rules:
        faults.add(where, "nobody has an account", "name a `file`, or write a `[[rule]]`")
    seen: list[tuple[str, str]] = []
    for index, rule in enumerate(section.rules):
        place = (*where, "rule", index)
        if any(rule.organisation == other for other, _ in seen):
            message = f"{quoted(rule.organisation)} has a rule already"
            faults.add((*place, "organisation"), message, "write one for each organisation")
        elif any(rule.prefix.casefold() == prefix for _, prefix in seen):
            message = f"the prefix {quoted(rule.prefix)} is another organisation's"
            faults.add(place, message, "give each its own, or two people share an account")
        seen.append((rule.organisation, rule.prefix.casefold()))
    if section.file is not None and faults.demand_readable((*where, "file"), section.file):
        try:
            read_account_table(section.file)
        except AccountTableError as error:
            message, _, remedy = str(error).rpartition("; ")
            faults.add((*where, "file"), f"{quoted(section.file.name)}: {message}", remedy)
