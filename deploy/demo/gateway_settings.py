"""Writes the gateway's settings file for the demo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.demo.directory import Directory
from deploy.demo.openid_provider import CLIENT_ID, SCOPES, OpenIdProvider
from deploy.demo.organisations import DemoOrganisation
from deploy.demo.places import Places

AUDIENCE = "shared-back-office"
UPSTREAM = "ebs"  # as the catalogue names the system
# The branches of the back office's tree that have functions; what is not here is never forwarded.
BRANCHES = (
    "/OA_HTML/", "/forms/", "/webservices/", "/vetting/", "/bi/", "/catalogue/", "/contracts/",
    "/dms/", "/fleet/", "/estates/", "/property/", "/stores/", "/assets/", "/ict/", "/admin/",
    "/legal/", "/info/", "/contact/", "/cj/", "/custody/", "/forensic/", "/fel/",
)  # fmt: skip
Value = str | int | float | tuple[str, ...] | Mapping[str, str]


def write_settings(places: Places, workers: int, policy_set: Path) -> None:
    """Write the file; whatever was there is replaced.

    Args:
        places: of the demo.
        workers: of the gateway.
        policy_set: folder of the policy set as it is played.
    """
    scenario = places.scenario
    lines = ["# Written by the demo at each start; edit deploy/demo/gateway_settings.py instead."]
    lines += _table(
        "[gateway]",
        listen=f"127.0.0.1:{places.port}",
        origin=places.origin,
        workers=workers,
        state_directory=str(places.state),
        host_organisation=scenario.host.id,
        service_name=scenario.service_name,
        drain_seconds=3.0,
        # Load generators are few people, all at one address.
        source_requests_per_second=100_000,
        person_requests_per_second=100_000,
    )
    if places.tls:
        certificate, key = places.certificates / "server.pem", places.certificates / "server.key"
        lines += _table("[tls]", certificate_file=str(certificate), key_file=str(key))
    lines += _table("[policy]", directory=str(policy_set))
    lines += _table("[keys]", directory=str(places.keys))
    # One person tries both parts on one machine; in service two login accounts must agree.
    lines += _table("[vetting]", two_officers="names")
    lines += _table("[record]", directory=str(places.record), origin=f"demo.{scenario.name}/log")
    directories = {each.organisation.id: each for each in places.directories}
    providers = {each.id: each for each in places.providers}
    for organisation in scenario.organisations:
        lines += _organisation(organisation)
        if organisation.id in providers:
            lines += _provider(providers[organisation.id])
        else:
            lines += _directory(directories[organisation.id])
    lines += _table(
        "[[upstream]]",
        id=UPSTREAM,
        url=places.back_office,
        audience=AUDIENCE,
        paths=BRANCHES,
        resources=("/OA_MEDIA/*",),
        sign_out_path="/OA_HTML/AppsLogout",
    )
    places.settings_file.write_text("\n".join(lines) + "\n", "utf-8")


def _organisation(organisation: DemoOrganisation) -> Iterable[str]:
    yield from _table(
        "[[organisation]]",
        id=organisation.id,
        name=organisation.name,
        kind=organisation.kind,
        help_contact=organisation.help_contact,
        email_domains=(organisation.domain,),
    )


def _provider(provider: OpenIdProvider) -> Iterable[str]:
    yield from _table(
        "[[organisation.directory]]",
        kind="oidc",
        id=provider.id,
        name=provider.name,
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret_file=str(provider.secret_file),
        scopes=SCOPES,
    )


def _directory(directory: Directory) -> Iterable[str]:
    organisation = directory.organisation
    of_its_kind: dict[str, Value]
    if organisation.directory_kind == "active-directory":
        of_its_kind = {"domain": organisation.domain}
    else:
        of_its_kind = {"name_filter": f"({organisation.attributes['username']}={{name}})"}
    yield from _table(
        "[[organisation.directory]]",
        kind=organisation.directory_kind,
        uris=(directory.uri,),
        ca_file=str(directory.ca_file),
        base=organisation.base,
        bind_dn=organisation.bind_dn,
        bind_password_file=str(directory.bind_password_file),
        lockout_threshold=10,
        attributes=organisation.attributes,
        **of_its_kind,
    )


def _table(heading: str, **values: Value) -> list[str]:
    return ["", heading, *(f"{name} = {_toml(value)}" for name, value in values.items())]


def _toml(value: Value) -> str:
    """Write a value; JSON's strings and numbers are TOML's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)
