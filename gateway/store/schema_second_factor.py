"""The tables of second factors, copied into the one metadata by `gateway.store.schema`.

Secrets in them are sealed (`identity.factors.factor_seal`): a copy of the database proves nothing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

second_factor_metadata: Final = MetaData()

_Counted = BigInteger().with_variant(Integer(), "sqlite")

second_factor = Table(
    "second_factor",
    second_factor_metadata,
    Column("id", String(22), primary_key=True),  # random
    Column("staff_id", String(160), nullable=False),
    Column("kind", String(16), nullable=False),  # app | key
    Column("name", String(60), nullable=False),  # as the person calls it
    Column("added_at_us", BigInteger, nullable=False),
    Column("used_at_us", BigInteger, nullable=True),
    Column("secret", Text, nullable=False),  # of an app, sealed; else empty
    Column("last_step", BigInteger, nullable=False),  # of an app: of the last code used
    Column("credential_id", String(1400), nullable=True, unique=True),  # of a key, base64url
    Column("public_key", Text, nullable=False),  # of a key: COSE, base64url; else empty
    Column("sign_count", BigInteger, nullable=False),  # of a key: as it last said
    Column("transports", String(120), nullable=False),  # of a key: how browsers reach it
    Index("second_factor_staff", "staff_id"),
)

recovery_code = Table(
    "recovery_code",
    second_factor_metadata,
    Column("staff_id", String(160), primary_key=True),
    Column("mac", String(64), primary_key=True),  # keyed hash of the code, hexadecimal
    Column("made_at_us", BigInteger, nullable=False),
    Column("used_at_us", BigInteger, nullable=True),
)

second_factor_failure = Table(
    "second_factor_failure",
    second_factor_metadata,
    Column("staff_id", String(160), primary_key=True),
    Column("failures", Integer, nullable=False),  # wrong codes since the last right one
    Column("last_at_us", BigInteger, nullable=False),
    Column("wait_until_us", BigInteger, nullable=False),  # no code is looked at before
)

factor_ceremony = Table(
    "factor_ceremony",  # what an enrolment or a challenge under way must be answered with
    second_factor_metadata,
    Column("binding", String(64), primary_key=True),  # hash of the session or the sign-in stage
    Column("purpose", String(24), primary_key=True),
    Column("value", Text, nullable=False),  # sealed
    Column("at_us", BigInteger, nullable=False),
    Index("factor_ceremony_age", "at_us"),
)

factor_notice = Table(
    "factor_notice",
    second_factor_metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column("staff_id", String(160), nullable=False),
    Column("organisation", String(40), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("code", String(40), nullable=False),
    Column("detail", String(300), nullable=False),
    Index("factor_notice_staff", "staff_id", "at_us"),
    Index("factor_notice_organisation", "organisation", "at_us"),
    sqlite_autoincrement=True,
)

factor_reset = Table(
    "factor_reset",
    second_factor_metadata,
    Column("id", String(16), primary_key=True),  # random
    Column("staff_id", String(160), nullable=False, unique=True),  # whose factors
    Column("organisation", String(40), nullable=False),
    Column("proposed_by", String(256), nullable=False),
    Column("at_us", BigInteger, nullable=False),
)

notice_seen = Table(  # up to which notice somebody has seen theirs
    "notice_seen",
    second_factor_metadata,
    Column("staff_id", String(160), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

kept_form = Table(
    "kept_form",
    second_factor_metadata,
    Column("session_hash", String(64), primary_key=True),
    Column("sealed", Text, nullable=False),  # target and form
    Column("at_us", BigInteger, nullable=False),
    Index("kept_form_age", "at_us"),
)

sign_in_stage = Table(
    "sign_in_stage",
    second_factor_metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the token, hexadecimal
    Column("staff_id", String(160), nullable=False),
    Column("directory", String(80), nullable=False),  # which vouched for them
    # SHA-256 of the provider's own session (`sid`), hexadecimal; empty without one.
    Column("provider_session", String(64), nullable=False),
    Column("sealed", Text, nullable=False),  # what opening the session will need
    Column("at_us", BigInteger, nullable=False),
    Index("sign_in_stage_age", "at_us"),
)
