"""A type of job that puts a word on chain and does nothing else."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from tasks.job.declare import hex_id, job_type
from tasks.ledger.transact import Call, transact

if TYPE_CHECKING:
    from tasks.job.context import Context

NAME = "bench_inscribe"


class Word(Schema):
    """What to put on chain; each stands there once."""

    word = fields.String(required=True)


class Where(Schema):
    """The block that it is in."""

    block = fields.String()


def inscription(word: str) -> Call:
    """Return the call that puts a word on chain."""
    return Call("CredentialRegistry", "newSchema", (sha256(word.encode()).digest(), bytes(32)))


@job_type(NAME, payload=Word, result=Where, queue="chain", new_id=hex_id(64))
def inscribe(ctx: Context, word: str) -> dict[str, str]:
    """Put a word on chain; return the block."""
    return {"block": transact(ctx, inscription(word)).block_hash}
