"""Groups, censuses, processes and votes."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

ELECTIONS = """
CREATE TABLE groups (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            text NOT NULL UNIQUE,
    org_id        integer NOT NULL REFERENCES organizations ON DELETE CASCADE,
    title         text NOT NULL,
    description   text NOT NULL,
    -- Everybody who is a member whenever the group is used; it then has no rows of its own.
    includes_all  boolean NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX groups_of_organization ON groups (org_id, number);

CREATE TABLE group_members (
    group_number  bigint NOT NULL REFERENCES groups ON DELETE CASCADE,
    member_id     bigint NOT NULL,
    PRIMARY KEY (group_number, member_id)
);

CREATE TABLE censuses (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            text NOT NULL UNIQUE,
    org_id        integer NOT NULL REFERENCES organizations ON DELETE CASCADE,
    auth_fields   text[] NOT NULL,
    -- How many participants it has: they are numbered from 0 on, without gaps. The row's lock is
    -- what makes those who add some take turns.
    size          bigint NOT NULL DEFAULT 0,
    root          text CHECK (root ~ '^0x[0-9a-f]{64}$'),
    uri           text,
    published_at  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT censuses_rooted_iff_published
        CHECK ((root IS NULL) = (published_at IS NULL) AND (uri IS NULL) = (root IS NULL))
);

CREATE TABLE census_participants (
    -- No foreign key, as for members: whoever writes holds the census's lock.
    census     bigint NOT NULL,
    -- Which leaf of the tree it is.
    no         bigint NOT NULL,
    member_id  bigint NOT NULL,
    address    text NOT NULL CHECK (address ~ '^0x[0-9a-f]{40}$'),
    weight     numeric(39) NOT NULL
        CHECK (weight >= 0 AND weight < 340282366920938463463374607431768211456),
    PRIMARY KEY (census, no),
    UNIQUE (census, address),
    UNIQUE (census, member_id)
);

-- Whom a job is to add, as they were named, in the order in which they were.
CREATE TABLE census_additions (
    job_id  text NOT NULL,
    no      integer NOT NULL,
    member  text NOT NULL,
    PRIMARY KEY (job_id, no)
);

-- The tree of a published census, 32 bytes a node, in pieces of one size but the last.
CREATE TABLE census_nodes (
    census  bigint NOT NULL REFERENCES censuses ON DELETE CASCADE,
    no      integer NOT NULL,
    nodes   bytea NOT NULL,
    PRIMARY KEY (census, no)
);
-- Hashes cannot be compressed, and a node in the middle is read without what stands around it.
ALTER TABLE census_nodes ALTER COLUMN nodes SET STORAGE EXTERNAL;

CREATE TABLE processes (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            text NOT NULL UNIQUE,
    org_id        integer NOT NULL REFERENCES organizations ON DELETE CASCADE,
    census        bigint NOT NULL REFERENCES censuses,
    title         text NOT NULL,
    description   text NOT NULL,
    questions     jsonb NOT NULL,
    -- Null: when it is published; null: never. What the chain has, once it has it.
    start_at      timestamptz,
    end_at        timestamptz,
    -- Seconds from the start, where that is how the end was said.
    duration      bigint CHECK (duration > 0),
    -- 0: as many as the census names.
    max_voters    bigint NOT NULL CHECK (max_voters >= 0),
    -- The last job that was to publish it.
    publish_job   text,
    address       text UNIQUE CHECK (address ~ '^0x[0-9a-f]{62}$'),
    status        text CHECK (status IN ('READY', 'ENDED', 'CANCELED', 'PAUSED', 'RESULTS')),
    -- The nonce of the transaction that brought it to this status.
    status_nonce  bigint,
    published_at  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT processes_published_together CHECK (
        (address IS NULL) = (status IS NULL) AND (address IS NULL) = (status_nonce IS NULL)
        AND (address IS NULL) = (published_at IS NULL)
    )
);

CREATE TABLE votes (
    process      bigint NOT NULL REFERENCES processes ON DELETE CASCADE,
    no           bigint GENERATED ALWAYS AS IDENTITY,
    -- What a voter can use in a process once; it is the vote's id.
    nullifier    text NOT NULL CHECK (nullifier ~ '^0x[0-9a-f]{64}$'),
    voter        text NOT NULL,
    weight       numeric(39) NOT NULL,
    -- One byte for each question: the number of the choice.
    package      bytea NOT NULL,
    transaction  text NOT NULL,
    block        bigint NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (process, no),
    UNIQUE (process, nullifier)
);
"""


def upgrade() -> None:
    """Create the tables of groups, censuses, processes and votes."""
    op.execute(ELECTIONS)
