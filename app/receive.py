"""Member files on their way in: JSON, CSV, NDJSON or a form, each checked before it is taken."""

from __future__ import annotations

import codecs
import hashlib
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, cast

from flask import request
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from app.body import read_body, refuse_constant
from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.org_members import read_upload
from tasks.records.member_rows import (
    HeaderRejected,
    Lines,
    RowRejected,
    as_ndjson,
    csv_header,
    from_object,
    short_number,
)
from tasks.records.uploads import NotText, Spool, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from werkzeug.formparser import TStreamFactory

    from tasks.records.member_rows import type_given

_CSV = frozenset({"text/csv", "application/csv", "application/vnd.ms-excel"})
_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
_ENDINGS = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "jsonl": "application/x-ndjson",
}
_FORM = "multipart/form-data"
#: Members that one JSON body may have: each takes more memory than it has bytes.
_MOST_MEMBERS = 100_000
#: Objects and lists that it may have, so that a small body does not become a large value: brackets
#: are counted before it is decoded.
_MOST_PARTS = 4 * _MOST_MEMBERS
_ADVICE = "send large imports as CSV or NDJSON"
#: How much of an upload is taken from the socket at a time; bytes.
_READ_BYTES = 256 * 1024
#: How much of a form is held in memory; bytes. Werkzeug counts what it reads of the file, 64 KiB
#: at a time, and what it has kept back of it.
_FORM_BYTES = 256 * 1024


class Received:
    """Members that came in, not yet anybody's; a context that leaves nothing behind.

    JSON is small enough for memory; a file is in a spool.
    """

    def __init__(self, kind: str) -> None:
        #: How they came: the word that a repeated request must share.
        self.kind = kind
        #: What they are, likewise.
        self.digest = ""
        self.members: list[type_given] | None = None
        #: What an import needs to know of the file's form.
        self.reading: dict[str, Any] = {}
        self._spool = Spool(wiring().database, limit=wiring().settings.max_upload_bytes)
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self._spool.discard()

    @property
    def size(self) -> int:
        """How many bytes of it were spooled."""
        return self._spool.size

    def rows(self) -> tuple[Lines, Iterator[type_given | RowRejected]]:
        """The lines of the file and its rows, for an import within the request."""
        if self.members is not None:
            return Lines([], skip=0, offset=0), iter(self.members)
        return read_upload(wiring().database, self._spool.id, **self.reading)

    def spooled(self) -> dict[str, Any]:
        """Return the payload of an import after the request; what came as JSON is spooled now."""
        if self.members is not None:
            for member in self.members:
                self._spool.write(as_ndjson(member))
            self._spool.finish()
            self.reading = {"format": "ndjson"}
        return {"upload": self._spool.id, **self.reading}

    def keep(self) -> None:
        """Leave the spool to the job that was recorded for it."""
        self._kept = True


def receive_members() -> Received:
    """Take the body of this request in.

    Raises:
        Refused: it is not what its content type says; nothing of it is left.
    """
    kind = request.mimetype
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused(Fault.BAD_BODY, "content encodings are not supported")
    _check_charset(request.mimetype_params)
    if kind in {"", "application/json"}:
        received = Received("json")
        _take_json(received)
        return received
    if kind not in {*_CSV, *_NDJSON, _FORM}:
        raise Refused(Fault.BAD_BODY, "unsupported content type")
    if (request.content_length or 0) > wiring().settings.max_upload_bytes:
        raise Refused(Fault.TOO_LARGE)
    received = Received(kind)
    with ExitStack() as undo:
        undo.push(received)
        try:
            _take_file(received)
        except NotText:
            raise Refused(Fault.BAD_BODY, "not text in UTF-8") from None
        except TooLarge:
            raise Refused(Fault.TOO_LARGE) from None
        except HeaderRejected as rejected:
            raise Refused(Fault.BAD_BODY, str(rejected)) from None
        undo.pop_all()
    return received


def _take_json(received: Received) -> None:
    body = read_body(_ADVICE)
    if body.count(b"{") + body.count(b"[") > _MOST_PARTS:
        raise Refused(Fault.TOO_LARGE, _ADVICE)
    try:
        given = json.loads(
            body.decode("utf-8-sig"), parse_constant=refuse_constant, parse_float=short_number
        )
    except (ValueError, RecursionError):
        raise Refused(Fault.BAD_BODY, "not JSON in UTF-8") from None
    if not isinstance(given, dict) or not isinstance(given.get("members"), list):
        raise Refused(Fault.BAD_BODY, "members is not a list")
    if len(given["members"]) > _MOST_MEMBERS:
        raise Refused(Fault.TOO_LARGE, _ADVICE)
    received.members = []
    for number, member in enumerate(given["members"], 1):
        try:
            received.members.append(from_object(member))
        except RowRejected as rejected:
            raise Refused(Fault.BAD_BODY, f"row {number}: {rejected}") from None
    received.digest = hashlib.sha256(body).hexdigest()


def _take_file(received: Received) -> None:
    spool = received._spool  # noqa: SLF001 - its other half
    kind = received.kind
    if kind == _FORM:
        kind = _take_form(spool)
    else:
        while part := request.stream.read(_READ_BYTES):
            spool.write(part)
        if spool.size != (request.content_length or spool.size):
            # The server hands on what came of a body whose sender has gone as if it were whole.
            raise Refused(Fault.BAD_BODY, "incomplete")
    spool.finish()
    received.digest = spool.digest
    received.reading = _reading(spool.head, kind)


def _take_form(spool: Spool) -> str:
    """Write the one file of a form into a spool; return the content type of the file."""
    kinds: list[str] = []

    def open_file(*, content_type: str | None, filename: str | None, **_: Any) -> Any:
        if kinds:
            raise Refused(Fault.BAD_BODY, "the form has more than one file")
        kinds.append(_kind_of_file(content_type or "", filename or ""))
        return spool

    parser = FormDataParser(
        cast("TStreamFactory", open_file),
        max_form_memory_size=_FORM_BYTES,
        max_form_parts=8,
        silent=False,
    )
    try:
        parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    except (ValueError, HTTPException):
        raise Refused(Fault.BAD_BODY, "malformed form") from None
    if not kinds:
        raise Refused(Fault.BAD_BODY, "the form has no file")
    return kinds[0]


def _check_charset(parameters: Mapping[str, str]) -> None:
    """Refuse what says itself that it is not UTF-8, whatever its bytes would pass for."""
    try:
        name = codecs.lookup(parameters.get("charset", "utf-8")).name
    except (LookupError, ValueError):
        name = ""
    if name not in {"utf-8", "ascii"}:
        raise Refused(Fault.BAD_BODY, "only UTF-8 is read")


def _kind_of_file(kind: str, name: str) -> str:
    plain, parameters = parse_options_header(kind)
    _check_charset(parameters)
    plain = plain.lower()
    if plain in _CSV | _NDJSON:
        return plain
    ending = name.lower().rpartition(".")[2]
    if ending not in _ENDINGS:
        raise Refused(Fault.BAD_BODY, "the file is neither CSV nor NDJSON")
    return _ENDINGS[ending]


def _reading(head: bytes, kind: str) -> dict[str, Any]:
    """Look at the beginning of a file and say how to read it.

    Raises:
        HeaderRejected: it is not what it is said to be.
    """
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise HeaderRejected("empty")
    lines = Lines([head], skip=0, offset=0)
    if kind in _CSV:
        columns, delimiter = csv_header(lines)
        return {
            "format": "csv",
            "start": lines.offset,
            "columns": columns,
            "delimiter": delimiter,
        }
    first = next(line for line in lines if line.strip("\ufeff \t\r\n"))
    try:
        is_object = isinstance(json.loads(first.lstrip("\ufeff")), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise HeaderRejected("the first line is no JSON object")
    return {"format": "ndjson"}
