"""Why jobs moved, in words to count by; how far the history has been retold to others."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

CAUSES = """
-- Why a move was made, as one of a few words, where there is more than one reason for it.
ALTER TABLE job_moves ADD COLUMN cause text;
-- How often jobs of a type moved for what reason, since ever.
CREATE TABLE causes (
    type     text NOT NULL,
    move     text NOT NULL,
    cause    text NOT NULL,
    counted  bigint NOT NULL,
    PRIMARY KEY (type, move, cause)
);
"""

EVENTS = """
-- The name that Celery knows the worker by.
ALTER TABLE workers ADD COLUMN node text;
-- Up to which number moves have been told as Celery's events.
CREATE TABLE event_horizon (seq bigint NOT NULL);
INSERT INTO event_horizon SELECT coalesce(max(seq), 0) FROM job_moves;
"""


def upgrade() -> None:
    """Keep causes and count by them, and remember what was told."""
    op.execute(CAUSES)
    op.execute(EVENTS)
