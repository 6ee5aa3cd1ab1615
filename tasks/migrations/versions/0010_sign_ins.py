"""Operators who are signed in at the dashboard, and tries at that."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

SIGN_INS = """
CREATE TABLE operator_sessions (
    -- Of the token in the cookie.
    digest    bytea PRIMARY KEY,
    operator  text NOT NULL REFERENCES operators ON DELETE CASCADE,
    -- The role that it was begun in; in another one it is over.
    role      text NOT NULL,
    began_at  timestamptz NOT NULL DEFAULT now(),
    used_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX operator_sessions_of ON operator_sessions (operator);
CREATE INDEX operator_sessions_by_age ON operator_sessions (began_at);

-- Tries that have not succeeded, by digests: what is typed for a name may be a password.
CREATE TABLE sign_in_tries (
    name     bytea NOT NULL,
    address  bytea NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sign_in_tries_of_name ON sign_in_tries (name, at);
CREATE INDEX sign_in_tries_of_address ON sign_in_tries (address, at);
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (at);
"""


def upgrade() -> None:
    """Let operators sign in."""
    op.execute(SIGN_INS)
