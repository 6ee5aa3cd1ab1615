from __future__ import annotations

import contextlib
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from tasks.reading.pdf import lines_of
from tasks.reading.unreadable import Unreadable
from tests.tasks.reading.papers import (
    endless_page_tree,
    font_bomb,
    page_tree_bomb,
    pdf,
    printed,
    with_content,
)

GOOD = printed(((54, "Gross pay"), (300, "2,920.00"), (450, "5,840.00")), ((54, "Net pay"),))
BOMB = "the document is damaged, or more than a statement can be"
MUCH = "the document has too many pages, or too much on them"


def encrypted(password: str) -> bytes:
    out, writer = io.BytesIO(), PdfWriter(clone_from=PdfReader(io.BytesIO(GOOD)))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def test_the_text_keeps_its_lines_and_columns():
    lines = lines_of(GOOD)

    assert [line.split("  ")[0] for line in lines] == ["Gross pay", "Net pay"]
    assert lines[0].split() == ["Gross", "pay", "2,920.00", "5,840.00"]
    assert lines[0].count("   ") >= 2


def test_all_pages_are_read():
    assert lines_of(printed(((54, "Page"),), pages=10)) == ["Page"] * 10


def test_a_page_may_be_empty():
    assert lines_of(printed()) == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"", "the document is no PDF"),
        (b"<html>Please sign in</html>", "the document is no PDF"),
        (b"%PDF-1.7\n", BOMB),
        (GOOD[:300], BOMB),
        (GOOD + bytes(4 * 1024 * 1024), "the document is too large"),
        (encrypted("secret"), "the document is encrypted"),
        (encrypted(""), "the document is encrypted"),
        (pdf(b"<< /Type /Catalog >>"), BOMB),
        (page_tree_bomb(), BOMB),
        (endless_page_tree(), BOMB),
        (font_bomb(), MUCH),
        (printed(((54, "Page"),), pages=11), MUCH),
        (with_content(b" " * 600_000), BOMB),
        (with_content(b"q " * 5_000), BOMB),
        (with_content(b"1 " * 200_000), BOMB),
        (with_content(b"[" * 100_000), BOMB),
        (with_content(b"<<" * 500), BOMB),
        (with_content(b"BT /F1 9 Tf [" + b"(a) 999999 " * 1_100 + b"] TJ ET"), MUCH),
        (with_content(b"q" + b" 1 0 0 1 1 0 cm" * 2_000 + b" (a) Tj" * 600), MUCH),
        (with_content(b"BT /F1 9 Tf (" + b"a" * 201_000 + b") Tj ET"), "too much text"),
        (with_content(b"BT /F1 9 Tf (" + b"a" * 30_000 + b") Tj ET", pages=9), "too much text"),
    ],
)
def test_a_hostile_or_damaged_file_is_unreadable(given, text):
    with pytest.raises(Unreadable, match=text):
        lines_of(given)


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=40))
def test_a_file_with_wrong_bytes_is_read_or_unreadable(seed, wrong):
    changed, dice = bytearray(GOOD), random.Random(seed)
    for _ in range(wrong):
        changed[dice.randrange(len(changed))] = dice.randrange(256)

    with contextlib.suppress(Unreadable):
        lines_of(bytes(changed))


def test_nothing_of_a_damaged_file_is_logged(caplog):
    with pytest.raises(Unreadable):
        lines_of(GOOD[:300])

    assert caplog.text == ""
