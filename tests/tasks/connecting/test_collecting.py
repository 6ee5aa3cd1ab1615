from __future__ import annotations

from datetime import date

import pytest

from tasks.clients.accounts.protocol import Document
from tasks.connecting.collecting import newest_of_each, read
from tasks.reading.unreadable import Unreadable


def stub(made: str, employment: str, day: int) -> Document:
    return Document(id=made, kind="pay_stub", employment=employment, day=date(2026, 1, day))


def statement(made: str) -> Document:
    return Document(id=made, kind="bank_statement")


def test_the_newest_document_of_each_employment_and_account_is_read_first():
    listed = [stub("c", "J-1", 30), stub("z", "J-2", 25), stub("b", "J-1", 16), stub("a", "J-1", 2)]

    assert [one.id for one in newest_of_each(listed)] == ["c", "z"]
    assert [one.id for one in newest_of_each([statement("x"), statement("y")])] == ["x", "y"]
    assert newest_of_each([]) == []


@pytest.mark.parametrize("document", [stub("a", "J-1", 2), statement("x")])
def test_what_is_no_document_cannot_be_read(document):
    with pytest.raises(Unreadable):
        read(document, b"<html>")
