"""Kerberos tickets, judged with the key of the gateway's own service; the one user of gssapi.

INVARIANTS: the only key that is tried is that of the service set, whatever else the keytab holds;
the only mechanism is Kerberos; one token decides (a negotiation that wants another is refused, as
the next request need not come from the same browser); a token signs in once (the replay cache is
on, and shared by all workers).
"""

from __future__ import annotations

from typing import Final

import gssapi
from gssapi.exceptions import MissingCredentialsError
from gssapi.raw.misc import GSSError

from gateway.errors import DirectoryMisconfigured
from gateway.identity.desktops.tickets import KerberosSettings, Presented, TicketRefused

KERBEROS: Final = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")
SPNEGO: Final = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")

# Minor codes have no fixed numbers within a negotiation; the words of the library's table do not
# change. They only name a refusal in the record, and decide nothing.
_BY_WORDS: Final = {
    "Request is a replay": "ticket-replayed",
    "Ticket expired": "ticket-expired",
    "Clock skew too great": "ticket-clock",
}


class _AtOnce(gssapi.SecurityContext):
    """A context that tells of an error when it happens, not when it is next asked something."""

    __DEFER_STEP_ERRORS__ = False


class TicketAcceptor:
    """Judges the tickets for one service. Blocks for a moment (files); for several threads."""

    def __init__(self, settings: KerberosSettings) -> None:
        """Find the key.

        Raises:
            DirectoryMisconfigured: the keytab has none for this service, or cannot be read.
        """
        self._settings = settings
        self._credentials()

    def accept(self, token: bytes) -> Presented:
        """Judge a token; see `gateway.identity.desktops.tickets.Accepts`."""
        # Afresh each time: a keytab that has been replaced is used at once.
        credentials = self._credentials()
        try:
            context = _AtOnce(creds=credentials, usage="accept")
            answer = context.step(token)
            if not context.complete:
                raise TicketRefused("ticket-incomplete", "the negotiation wants another token")
            if context.mech != KERBEROS:
                raise TicketRefused("ticket-refused", "not Kerberos")
            principal = str(context.initiator_name)
        except GSSError as error:
            words = str(error)
            code = next((known for text, known in _BY_WORDS.items() if text in words), None)
            raise TicketRefused(code or "ticket-refused", words) from error
        return Presented(principal=principal, answer=answer or b"")

    def _credentials(self) -> gssapi.Credentials:
        settings = self._settings
        store: dict[bytes | str, bytes | str] = {
            "keytab": f"FILE:{settings.keytab_file}",
            "rcache": f"file2:{settings.replay_folder / 'shown'}",
        }
        path = settings.service.replace("@", "/", 1)
        for realm in settings.realms:
            # A whole principal, not `HTTP@host`: for that one, the library may ask a name server.
            name = gssapi.Name(f"{path}@{realm}", gssapi.NameType.kerberos_principal)
            try:
                return gssapi.Credentials(
                    name=name, usage="accept", mechs=[KERBEROS, SPNEGO], store=store
                )
            except MissingCredentialsError:
                continue
            except GSSError as error:
                message = f"kerberos: `{settings.keytab_file}` cannot be used: {error}"
                raise DirectoryMisconfigured(message) from error
        wanted = " or ".join(f"`{path}@{realm}`" for realm in settings.realms)
        message = f"kerberos: `{settings.keytab_file}` holds no key of {wanted}"
        raise DirectoryMisconfigured(message)
