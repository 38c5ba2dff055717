"""The tables of the gateway's database, and the list of all tables it holds.

Times are whole microseconds since 1970 UTC and end in `_at_us`, so that SQLite and PostgreSQL keep
the same value. The vetting register and the second factors keep their own tables; they are copied
into `metadata` here because all live in one database, and a migration sees them as one.

`microseconds` and `instant` are the only way between a column and a `datetime`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.store.schema_break_glass import break_glass_metadata
from gateway.store.schema_policy import metadata as policy_metadata
from gateway.store.schema_second_factor import second_factor_metadata
from vetting.register import metadata as register_metadata

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = MetaData()

# SQLite gives out row numbers only for a column of exactly the type INTEGER.
_Counted = BigInteger().with_variant(Integer(), "sqlite")

staff = Table(
    "staff",
    metadata,
    Column("staff_id", String(160), primary_key=True),  # "<organisation>/<directory id>"
    Column("organisation", String(40), nullable=False),
    Column("directory_id", String(100), nullable=False),
    Column("employee_number", String(32), nullable=False),
    Column("username", String(256), nullable=False),  # as the directory spells it
    Column("username_key", String(256), nullable=False),  # folded, for search
    Column("name", String(256), nullable=False),
    Column("posts", Text, nullable=False),  # JSON list, sorted
    Column("unit", String(256), nullable=False),
    Column("team", Text, nullable=False),  # JSON list of employee numbers, sorted
    Column("mail", String(254), nullable=False, server_default=""),  # as the directory gave it
    Column("first_seen_at_us", BigInteger, nullable=False),
    Column("seen_at_us", BigInteger, nullable=False),  # when the directory last vouched
    UniqueConstraint("organisation", "directory_id", name="staff_directory_id"),
    UniqueConstraint("organisation", "employee_number", name="staff_employee_number"),
    Index("staff_username", "organisation", "username_key"),
)

staff_identity = Table(  # by which id each directory of an organisation knows somebody
    "staff_identity",
    metadata,
    Column("organisation", String(40), primary_key=True),
    Column("directory", String(80), primary_key=True),
    Column("directory_id", String(100), primary_key=True),
    Column("staff_id", String(160), ForeignKey("staff.staff_id"), nullable=False),
    UniqueConstraint("staff_id", "directory", name="staff_identity_one_each"),
)

session = Table(
    "session",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the token, hexadecimal
    Column("staff_id", String(160), ForeignKey("staff.staff_id"), nullable=False),
    Column("organisation", String(40), nullable=False),
    Column("directory", String(80), nullable=False),  # the directory that vouched for them
    Column("provider_session", String(255), nullable=False),  # the provider's `sid`, or empty
    Column("factors", String(200), nullable=False),  # comma-separated, sorted
    Column("second_factor_at_us", BigInteger, nullable=True),  # when it was last shown
    Column("source", String(64), nullable=False),  # address it was opened from
    Column("agent", String(120), nullable=False),  # the browser in a few words
    Column("started_at_us", BigInteger, nullable=False),
    Column("last_seen_at_us", BigInteger, nullable=False),
    Column("idle_us", BigInteger, nullable=False),  # the idle limit it was opened with
    Column("ends_at_us", BigInteger, nullable=False),  # the absolute limit
    Column("rested_us", BigInteger, nullable=False),  # longest pause since the last proof
    Column("vouched_at_us", BigInteger, nullable=False),  # when its directory last vouched
    Column("displaced", Integer, nullable=False),  # how many older ones its opening ended
    Column("ended_at_us", BigInteger, nullable=True),  # set when it was ended before its limits
    Column("end_reason", String(40), nullable=True),
    Index("session_staff", "staff_id"),
    Index("session_organisation", "organisation"),
    Index("session_directory", "directory"),
    Index("session_ends", "ends_at_us"),
)

bulletin = Table(
    "bulletin",
    metadata,
    Column("seq", _Counted, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("subject", String(300), nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice, even after the row was purged
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column("organisation", String(40), nullable=False),
    Column("name_key", String(256), nullable=False),  # folded as typed, known there or not
    # What identifies the person it led to; empty for nobody, or where no password was tried.
    Column("person_key", String(300), nullable=False),
    Column("source", String(64), nullable=False),  # address it came from; of IPv6 the network
    Column("at_us", BigInteger, nullable=False),
    Column("judged", Integer, nullable=False),  # 0 where no answer came: nobody is blamed
    Index("sign_in_attempt_name", "organisation", "name_key", "at_us"),
    Index("sign_in_attempt_person", "organisation", "person_key", "at_us"),
    Index("sign_in_attempt_source", "source", "at_us"),
    Index("sign_in_attempt_age", "at_us"),
    sqlite_autoincrement=True,
)

sign_in_lift = Table(  # locks that an officer lifted
    "sign_in_lift",
    metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column("organisation", String(40), nullable=False),  # empty for a source
    Column(
        "lock_key", String(320), nullable=False
    ),  # gateway.identity.signing_in.attempts makes it
    Column("at_us", BigInteger, nullable=False),
    Index("sign_in_lift_key", "organisation", "lock_key", "at_us"),
    sqlite_autoincrement=True,
)

upstream_cookie = Table(
    "upstream_cookie",
    metadata,
    Column(
        "session_hash",
        String(64),
        # A session that is strengthened gets a new hash; what belongs to it follows.
        ForeignKey("session.hash", ondelete="CASCADE", onupdate="CASCADE"),
        primary_key=True,
    ),
    Column("system", String(40), primary_key=True),
    Column("jar", Text, nullable=False),  # JSON, see gateway.backoffice.cookie_jar
)

upstream_transaction = Table(  # pages that a system opened, and the function each is of
    "upstream_transaction",
    metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column(
        "session_hash",
        String(64),
        ForeignKey("session.hash", ondelete="CASCADE", onupdate="CASCADE"),
        nullable=False,
    ),
    Column("system", String(40), nullable=False),
    Column("transaction", String(64), nullable=False),  # as the system calls it
    Column("function", String(80), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    UniqueConstraint("session_hash", "system", "transaction", name="upstream_transaction_once"),
    Index("upstream_transaction_of_system", "system", "transaction"),
    sqlite_autoincrement=True,
)

host_ticket = Table(  # takes a session to a system's own host, once
    "host_ticket",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the ticket, hexadecimal
    Column(
        "session_hash",
        String(64),
        ForeignKey("session.hash", ondelete="CASCADE", onupdate="CASCADE"),
        nullable=False,
    ),
    Column("system", String(40), nullable=False),
    Column("browser_hash", String(64), nullable=False),
    Column("sealed", String(120), nullable=False),  # the session's token, under the ticket
    Column("at_us", BigInteger, nullable=False),
    Index("host_ticket_age", "at_us"),
)

given_purpose = Table(  # what people said they need a function for
    "given_purpose",
    metadata,
    Column(
        "session_hash",
        String(64),
        ForeignKey("session.hash", ondelete="CASCADE", onupdate="CASCADE"),
        primary_key=True,
    ),
    Column("function", String(80), primary_key=True),
    Column("code", String(64), nullable=False),
    Column("sealed", Text, nullable=False),  # their own words, sealed
    Column("at_us", BigInteger, nullable=False),
    Index("given_purpose_age", "at_us"),
)

rate_use = Table(  # uses of functions that may be used so often only
    "rate_use",
    metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column("staff_id", String(160), nullable=False),
    Column("function", String(80), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),  # when it limits nobody any more
    Index("rate_use_whose", "staff_id", "function", "at_us"),
    Index("rate_use_age", "until_us"),
    sqlite_autoincrement=True,
)

upstream_sign_out = Table(  # what the back office has still to be told of sessions that ended
    "upstream_sign_out",
    metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column("session_hash", String(64), nullable=False),
    Column("staff_id", String(160), nullable=False),
    Column("organisation", String(40), nullable=False),
    Column("system", String(40), nullable=False),
    Column("jar", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

drained_instance = Table(  # of the back office, taken out by an operator
    "drained_instance",
    metadata,
    Column("system", String(40), primary_key=True),
    Column("instance", String(300), primary_key=True),  # its address, as the settings spell it
    Column("at_us", BigInteger, nullable=False),
)

lease = Table(  # what one worker at a time does for all of them
    "lease",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("until_us", BigInteger, nullable=False),
)

provider_login = Table(  # sign-ins at a provider that have begun; none of them is a session
    "provider_login",
    metadata,
    Column("state_hash", String(64), primary_key=True),  # SHA-256 of `state`, hexadecimal
    Column("browser_hash", String(64), nullable=False),  # SHA-256 of the browser's cookie
    Column("directory", String(80), nullable=False),
    Column("next", Text, nullable=False),  # where the person was going
    Column("source", String(64), nullable=False),  # address it came from; of IPv6 the network
    Column("at_us", BigInteger, nullable=False),
    Index("provider_login_source", "source", "at_us"),
    Index("provider_login_age", "at_us"),
)

provider_token = Table(  # what a provider asks for when somebody signs out there
    "provider_token",
    metadata,
    Column(
        "session_hash",
        String(64),
        ForeignKey("session.hash", ondelete="CASCADE", onupdate="CASCADE"),
        primary_key=True,
    ),
    Column("sealed", Text, nullable=False),  # the ID token, encrypted
    # What the provider is asked again with, encrypted; empty without one.
    Column("refresh", Text, nullable=False, server_default=""),
)

provider_logout = Table(  # logout tokens taken, so that none is taken twice
    "provider_logout",
    metadata,
    Column("directory", String(80), primary_key=True),
    Column("jti_hash", String(64), primary_key=True),
    Column("expires_at_us", BigInteger, nullable=False),
    Index("provider_logout_age", "expires_at_us"),
)

for _part in (register_metadata, second_factor_metadata, policy_metadata, break_glass_metadata):
    for _table in _part.sorted_tables:
        _table.to_metadata(metadata)


def microseconds(at: datetime) -> int:
    """Write an instant as a column holds it.

    Args:
        at: an aware instant, of any zone.

    Raises:
        TypeError: for an instant without a zone.
    """
    return (at - EPOCH) // MICROSECOND


def instant(at_us: int) -> datetime:
    """Read an instant (UTC) from a column."""
    return EPOCH + timedelta(microseconds=at_us)
