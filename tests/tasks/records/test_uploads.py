from __future__ import annotations

import hashlib

import pytest

from tasks.records import uploads
from tasks.records.uploads import PIECE_BYTES, NotText, Spool, TooLarge

LIMIT = 8 * PIECE_BYTES


@pytest.fixture
def spool(database):
    """An upload that begins."""
    return Spool(database, limit=LIMIT)


def written(database, *parts: bytes) -> Spool:
    spool = Spool(database, limit=LIMIT)
    for part in parts:
        spool.write(part)
    spool.finish()
    return spool


def test_what_was_written_in_any_parts_is_read_back(database):
    text = "aé€😀\n" * 300_000
    data = text.encode()
    parts = [data[at : at + 65_537] for at in range(0, len(data), 65_537)]

    spool = written(database, *parts)

    assert b"".join(uploads.pieces(database, spool.id)) == data
    assert spool.size == len(data)
    assert spool.digest == hashlib.sha256(data).hexdigest()
    assert spool.head == data[:PIECE_BYTES]


def test_all_pieces_but_the_last_are_of_one_size(database):
    spool = written(database, b"x" * (2 * PIECE_BYTES + 5))

    assert [len(piece) for piece in uploads.pieces(database, spool.id)] == [1048576, 1048576, 5]


def test_a_file_of_whole_pieces_has_no_empty_one(database):
    spool = written(database, b"x" * PIECE_BYTES)

    assert [len(piece) for piece in uploads.pieces(database, spool.id)] == [1048576]


def test_reading_may_begin_at_any_piece(database):
    spool = written(database, b"a" * PIECE_BYTES + b"b")

    assert list(uploads.pieces(database, spool.id, 1)) == [b"b"]
    assert list(uploads.pieces(database, spool.id, 2)) == []
    assert list(uploads.pieces(database, "unknown")) == []


def test_an_empty_file_stores_nothing(database, auditor):
    spool = written(database)

    assert spool.head == b""
    assert auditor.one("SELECT count(*) FROM uploads") == 0


def test_a_character_may_come_in_two_writes(database):
    first, second = "é".encode()[:1], "é".encode()[1:]

    spool = written(database, first, second)

    assert list(uploads.pieces(database, spool.id)) == ["é".encode()]


def test_a_file_must_not_end_inside_a_character(spool):
    spool.write("é".encode()[:1])

    with pytest.raises(NotText):
        spool.finish()


@pytest.mark.parametrize(
    "data", [b"\xff", b"a\0b", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"]
)
def test_what_is_no_utf_8_or_cannot_be_stored_is_refused(spool, data):
    with pytest.raises(NotText):
        spool.write(data)


def test_a_file_beyond_the_limit_is_refused_as_it_comes(database):
    spool = Spool(database, limit=10)
    spool.write(b"x" * 10)

    with pytest.raises(TooLarge):
        spool.write(b"x")


def test_discarding_removes_every_piece(spool, auditor):
    spool.write(b"x" * (2 * PIECE_BYTES))
    before = auditor.one("SELECT count(*) FROM upload_pieces")

    spool.discard()

    assert before == 2
    assert auditor.one("SELECT count(*) FROM uploads") == 0
    assert auditor.one("SELECT count(*) FROM upload_pieces") == 0


def test_discarding_what_was_never_stored_is_nothing(spool, auditor):
    spool.write(b"x")

    spool.discard()

    assert auditor.one("SELECT count(*) FROM uploads") == 0


def test_an_upload_goes_with_its_job_or_when_it_was_abandoned(database, auditor):
    names = ["of a job", "of another", "abandoned", "young"]
    spools = {name: written(database, name.encode()).id for name in names}
    auditor.rows(
        "UPDATE uploads SET created_at = now() - interval '25 hours' WHERE id <> %s",
        spools["young"],
    )

    with database.transaction() as connection:
        uploads.attach(connection, spools["of a job"], "a")
        uploads.attach(connection, spools["of another"], "b")
        uploads.remove_of_jobs(connection, ["a"])
        abandoned = uploads.remove_abandoned(connection)

    left = {row["id"] for row in auditor.rows("SELECT id FROM uploads")}
    assert abandoned == 1
    assert left == {spools["of another"], spools["young"]}
    assert auditor.one("SELECT count(*) FROM upload_pieces") == 2
