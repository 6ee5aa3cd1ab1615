from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.records import member_rows
from tasks.records.member_rows import (
    MAX_FIELD,
    MAX_LINE,
    MAX_ROW,
    HeaderRejected,
    Lines,
    as_ndjson,
    count_csv,
    count_ndjson,
    csv_header,
    from_object,
    read_csv,
    read_ndjson,
)
from tests.tasks.records.shown import named


def lines_of(data: bytes, *, piece: int = 7, start: int = 0) -> Lines:
    """The lines of a file from a byte on, in pieces."""
    first, skip = divmod(start, piece)
    pieces = [data[at : at + piece] for at in range(first * piece, len(data), piece)]
    return Lines(pieces, skip=skip, offset=start)


def csv_rows(data: bytes, **how) -> list[dict[str, str] | str]:
    lines = lines_of(data, **how)
    columns, delimiter = csv_header(lines)
    return [named(row) for row in read_csv(lines, columns, delimiter)]


def ndjson_rows(data: bytes, **how) -> list[dict[str, str] | str]:
    return [named(row) for row in read_ndjson(lines_of(data, **how))]


# The header.


@pytest.mark.parametrize(
    ("first", "columns", "delimiter"),
    [
        (b"memberNumber,name\n", ["memberNumber", "name"], ","),
        (b"\xef\xbb\xbfmemberNumber,name\r\n", ["memberNumber", "name"], ","),
        (b"Member Number;SURNAME;e-mail\n", ["memberNumber", "surname", "email"], ";"),
        (b"national_id\tbirth-date\n", ["nationalId", "birthDate"], "\t"),
        (b'"name","Street, No"\n', ["name", "Street, No"], ","),
        (b"email", ["email"], ","),
        ("name,Straße \n".encode(), ["name", "Straße"], ","),
    ],
)
def test_the_header_names_the_columns_and_shows_the_delimiter(first, columns, delimiter):
    assert csv_header(lines_of(first + b"x\n" if b"\n" in first else first)) == (
        columns,
        delimiter,
    )


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\n",
        b"street,town\n",
        b"{}\n",
        b"name,NAME\n",
        b"street,name,street\n",
        b"x" * (MAX_LINE + 9),
        b"name" + b"," * MAX_FIELD + b"\n",
        b"name" + b"x" * MAX_FIELD + b"\n",
        b"name\rsurname\rx\n",
        b"name,,\n",
    ],
)
def test_a_header_that_is_none_is_refused(first):
    with pytest.raises(HeaderRejected):
        csv_header(lines_of(first, piece=65536))


# CSV.


def test_fields_may_hold_delimiters_quotes_and_line_ends():
    data = b'name,surname,town\n"Ada, Countess","Love""lace","a\nb\r\nc"\nBob,,\n'

    assert csv_rows(data) == [
        {"name": "Ada, Countess", "surname": 'Love"lace', "town": "a\nb\r\nc"},
        {"name": "Bob"},
    ]


def test_unknown_columns_are_kept_and_empty_ones_left_out():
    data = b"town,name,street\nRome,Ada,\n,Bob,Via\n"

    assert csv_rows(data) == [{"name": "Ada", "town": "Rome"}, {"name": "Bob", "street": "Via"}]


def test_a_row_of_another_width_is_rejected_and_the_others_are_read():
    data = b"name,surname\nAda\nBob,Ross\nCid,X,Y\nDan,Z\n"

    assert csv_rows(data) == [
        "wrong-number-of-fields",
        {"name": "Bob", "surname": "Ross"},
        "wrong-number-of-fields",
        {"name": "Dan", "surname": "Z"},
    ]


def test_blank_lines_are_no_rows():
    assert csv_rows(b"name,surname\n\nAda,L\n\r\n\n") == [{"name": "Ada", "surname": "L"}]


def test_the_last_line_needs_no_end():
    assert csv_rows(b"name,surname\nAda,L") == [{"name": "Ada", "surname": "L"}]


def test_semicolons_and_tabs_delimit_as_well():
    assert csv_rows(b"name;surname\nA,da;L\n") == [{"name": "A,da", "surname": "L"}]
    assert csv_rows(b"name\tsurname\nA;da\tL\n") == [{"name": "A;da", "surname": "L"}]


def test_a_quote_that_is_never_closed_costs_one_field_of_text_and_not_the_file():
    rest = b"Bob,Ross\n" * 20000

    rows = csv_rows(b'name,surname\n"Ada,L\n' + rest, piece=65536)

    assert rows[0] == "malformed-row"
    assert rows[-1] == {"name": "Bob", "surname": "Ross"}
    assert rows.count("malformed-row") == 1
    assert len(rows) > 5000


def test_a_row_of_fields_that_each_end_in_the_next_line_is_read_in_bounded_memory():
    data = b"name,surname\n" + b'ab","\n' * 400_000 + b'"\nBob,Ross\n'
    lines = lines_of(data, piece=65536)
    columns, delimiter = csv_header(lines)

    begin, sizes, rows = lines.offset, [], []
    for row in read_csv(lines, columns, delimiter):
        sizes.append(lines.offset - begin)
        begin = lines.offset
        rows.append(named(row))

    assert max(sizes) <= MAX_ROW + len(b'ab","\n')
    assert rows[:2] == ["malformed-row", "malformed-row"]
    assert rows[-1] == {"name": "Bob", "surname": "Ross"}
    behind = lines_of(data, piece=65536, start=len(b"name,surname\n"))
    assert count_csv(behind, delimiter) == len(rows)


def test_a_line_beyond_the_limit_is_a_malformed_row_and_is_passed_over():
    data = b"name,surname\nAda,L\n" + b"x" * (3 * MAX_LINE) + b"\nBob,Ross\n"

    assert csv_rows(data, piece=65536) == [
        {"name": "Ada", "surname": "L"},
        "malformed-row",
        {"name": "Bob", "surname": "Ross"},
    ]


def test_a_line_without_end_is_read_in_bounded_memory():
    largest = 0

    def endless():
        for _ in range(256):
            yield b"x" * 65536

    lines = Lines(endless(), skip=0, offset=0)
    for line in lines:
        largest = max(largest, len(line))

    assert lines.offset == 256 * 65536
    assert largest == MAX_FIELD + 2


def test_a_line_of_exactly_the_limit_is_a_line():
    data = b"name,other\n" + b"x" * (MAX_LINE - 1) + b"\nAda,L\n"

    lines = lines_of(data, piece=65536)
    lengths = [len(line) for line in lines]

    assert lengths == [11, MAX_LINE, 6]
    assert lines.offset == len(data)


def test_the_offset_is_where_the_last_row_ends():
    data = b'name,surname\n"a\nb",c\nd,e\n'
    lines = lines_of(data)
    columns, delimiter = csv_header(lines)

    offsets = [lines.offset]
    offsets += [lines.offset for _ in read_csv(lines, columns, delimiter)]

    assert offsets == [13, 21, 25]


FIELD = st.text(st.sampled_from('ab1é" ,;\n\r\t\u2028€😀'), max_size=6)


@pytest.fixture
def small_fields(monkeypatch):
    """Limits for fields and rows that a generated file can pass."""
    monkeypatch.setattr(member_rows, "MAX_ROW", 40)
    before = csv.field_size_limit(24)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("small_fields")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.lists(FIELD, min_size=1, max_size=4), max_size=8),
    noise=st.lists(st.tuples(st.integers(0, 200), st.sampled_from('"\n,\r')), max_size=4),
    end=st.sampled_from(["\n", "\r\n"]),
    piece=st.integers(1, 40),
)
def test_a_csv_file_has_as_many_rows_as_counted_and_the_same_ones_behind_any_row(
    rows, noise, end, piece
):
    written = io.StringIO()
    csv.writer(written, lineterminator=end).writerows(rows)
    body = written.getvalue()
    for at, character in noise:
        body = body[:at] + character + body[at:]
    data = ("name,surname,x" + end + body).encode()
    lines = lines_of(data, piece=piece)
    columns, delimiter = csv_header(lines)

    begins = [lines.offset]
    whole = []
    for row in read_csv(lines, columns, delimiter):
        whole.append(named(row))
        begins.append(lines.offset)

    assert lines.offset == len(data)
    assert count_csv(lines_of(data, piece=piece, start=begins[0]), delimiter) == len(whole)
    for n, begin in enumerate(begins):
        again = read_csv(lines_of(data, piece=piece, start=begin), columns, delimiter)
        assert [named(row) for row in again] == whole[n:]


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(
        st.one_of(
            st.builds(lambda name: json.dumps({"name": name}).encode(), FIELD),
            st.sampled_from([b"", b" ", b"{", b"[]", b"null", b'{"name":1}', b'{"x":1e999}']),
        ),
        max_size=8,
    ),
    piece=st.integers(1, 40),
)
def test_an_ndjson_file_has_as_many_rows_as_counted_and_the_same_ones_behind_any_row(parts, piece):
    data = b"\n".join(parts)
    lines = lines_of(data, piece=piece)

    begins, whole = [0], []
    for row in read_ndjson(lines):
        whole.append(named(row))
        begins.append(lines.offset)

    assert count_ndjson(lines_of(data, piece=piece)) == len(whole)
    for n, begin in enumerate(begins):
        again = read_ndjson(lines_of(data, piece=piece, start=begin))
        assert [named(row) for row in again] == whole[n:]


# NDJSON and JSON objects.


def test_one_object_a_line_is_one_member():
    data = (
        b'\xef\xbb\xbf{"name":"Ada","weight":"3"}\n\n  \n{"name":"Bob","weight":4}\r\n{"name":null}'
    )

    assert ndjson_rows(data) == [
        {"name": "Ada", "weight": "3"},
        {"name": "Bob", "weight": "4"},
        {},
    ]


def test_unknown_fields_and_other_are_kept_together():
    assert named(from_object({"other": {"a": [1, None]}, "b": {"c": 2.5}, "name": "Ada"})) == {
        "name": "Ada",
        "a": [1, None],
        "b": {"c": 2.5},
    }


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"Ada", "malformed-row"),
        (b"{", "malformed-row"),
        (b"[]", "malformed-row"),
        (b"null", "malformed-row"),
        (b'"Ada"', "malformed-row"),
        (b'{"name":"Ada"} {}', "malformed-row"),
        (b"[" * 100_000, "malformed-row"),
        (b'{"x":' + b"[" * 1100 + b"]" * 1100 + b"}", "malformed-row"),
        (b'{"x":' + b'{"y":' * 50_000 + b"1" + b"}" * 50_001, "malformed-row"),
        (b'{"weight":' + b"9" * 5000 + b"}", "malformed-row"),
        (b'{"x":1e999}', "malformed-row"),
        (b'{"x":NaN}', "malformed-row"),
        (b'{"x":-Infinity}', "malformed-row"),
        (b'{"x":[0,[1e308]]}', "malformed-row"),
        (b'{"x":1e30}', "malformed-row"),
        (b'{"x":-1e-31}', "malformed-row"),
        (b'{"name":"' + b"x" * 131_071 + b'"}', "too-long"),
        (b'{"name":"' + b"x" * 70_000 + b'","y":"' + b"x" * 70_000 + b'"}', "too-long"),
        (b'{"weight":1e999}', "wrong-type"),
        (b'{"weight":1.5}', "wrong-type"),
        (b'{"weight":true}', "wrong-type"),
        (b'{"name":1}', "wrong-type"),
        (b'{"name":["Ada"]}', "wrong-type"),
        (b'{"name":{"first":"Ada"}}', "wrong-type"),
        (b'{"email":false}', "wrong-type"),
        (b'{"birthDate":19900101}', "wrong-type"),
        (b'{"other":"Ada"}', "wrong-type"),
        (b'{"other":[1]}', "wrong-type"),
        (rb'{"name":"\u0000"}', "invalid-character"),
        (rb'{"other":{"a":"\u0000"}}', "invalid-character"),
        (rb'{"x\u0000":1}', "invalid-character"),
        (rb'{"name":"\ud800"}', "invalid-character"),
        (rb'{"x":["\udfff"]}', "invalid-character"),
        (rb'{"x":"\\\u0000"}', "invalid-character"),
    ],
)
def test_a_line_that_is_no_member_is_rejected_with_a_word(line, word):
    assert ndjson_rows(line + b'\n{"name":"Bob"}\n', piece=65536) == [word, {"name": "Bob"}]


def test_numbers_of_a_length_that_can_be_written_out_are_kept():
    line = b'{"x":[-0.0,-1.5e29,1.1e-30,9.99]}'

    assert ndjson_rows(line) == [{"x": [0.0, -1.5e29, 1.1e-30, 9.99]}]


def test_a_backslash_before_what_would_be_a_nul_is_a_backslash():
    line = rb'{"name":"\\u0000","x":"\\\\u0000"}'

    assert ndjson_rows(line) == [{"name": "\\u0000", "x": "\\\\u0000"}]


def test_the_longest_member_fits_a_line_of_the_spool():
    member = from_object({"name": "\1" * (MAX_FIELD - 2)})

    (again,) = read_ndjson(lines_of(as_ndjson(member), piece=65536))

    assert again == member


def test_a_pair_of_surrogates_is_a_character():
    assert ndjson_rows(rb'{"name":"\ud83d\ude00"}') == [{"name": "😀"}]


def test_a_member_survives_the_spool():
    member = from_object({"name": 'A"\n\u2028é😀', "weight": 7, "x": {"y": [1, "\t"]}, "other": {}})

    (again,) = read_ndjson(lines_of(as_ndjson(member)))

    assert again == member
