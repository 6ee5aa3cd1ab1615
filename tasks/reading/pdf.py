"""The text of a PDF, line by line as it is laid out, within bounds that hostile ones meet."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING, Any

from pypdf import Configuration, PdfReader, apply_configuration
from pypdf.errors import FileNotDecryptedError
from pypdf.generic import DictionaryObject

from tasks.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdf import PageObject

#: The largest file that is looked at; bytes. A pay statement has a few thousand.
MAX_BYTES = 4 * 1024 * 1024
MAX_PAGES = 10
#: Characters of all pages together, blanks included.
MAX_CHARACTERS = 200_000

#: Matrices that may be multiplied for one file, see `_effort`; a million take about a second.
MAX_EFFORT = 1_000_000
#: What a font counts for that says itself what its characters are: the worst takes 0.3 s.
_FONT_EFFORT = 40_000
#: Nodes of the page tree above a page.
_MAX_DEPTH = 10
#: What sets a place anew: after it, no matrix of the text before counts.
_PLACING = re.compile(rb"T[dDm*]")

_NOTHING = DictionaryObject()

#: What one file may make pypdf do. Whatever takes time is counted here and not timed, so the same
#: file always has the same end, which comes within ten seconds at the very worst.
_BOUNDS = Configuration(
    maximum_declared_stream_length=MAX_BYTES,
    array_based_stream_maximum_output_length=512 * 1024,
    zlib_maximum_output_length=512 * 1024,
    zlib_maximum_recovery_input_length=64 * 1024,
    lzw_maximum_output_length=512 * 1024,
    run_length_maximum_output_length=512 * 1024,
    brotli_maximum_output_length=512 * 1024,
    jbig2_maximum_output_length=1,
    image_maximum_buffer_size=1,
    array_maximum_element_count=20_000,
    dictionary_maximum_element_count=5_000,
    stream_filters_maximum_length=4,
    stream_decoding_work_maximum_length=2 * 1024 * 1024,
    stream_parsing_work_maximum_count=30_000,
    page_tree_maximum_entries=4 * MAX_PAGES,
    page_tree_maximum_depth=_MAX_DEPTH,
    page_tree_maximum_page_entries=2_000,
    xform_maximum_invocations_per_extraction=20,
    jbig2dec_binary=None,
    disable_legacy_handling=True,
)

# It warns of every fault that it makes good, and quotes the file.
logging.getLogger("pypdf").setLevel("CRITICAL")


def lines_of(pdf: bytes) -> list[str]:
    """Return the lines of all pages that are not blank; columns are two or more blanks apart.

    Raises:
        Unreadable: it is no PDF, is damaged, encrypted or more than a statement can be.
    """
    if len(pdf) > MAX_BYTES:
        raise Unreadable("the document is too large")
    if b"%PDF-" not in pdf[:1024]:
        raise Unreadable("the document is no PDF")
    with apply_configuration(_BOUNDS):
        try:
            text = "\n".join(_pages(pdf))
        except Unreadable:
            raise
        except FileNotDecryptedError:
            raise Unreadable("the document is encrypted") from None
        except Exception:  # noqa: BLE001 - a damaged file leads to exceptions of every kind
            raise Unreadable("the document is damaged, or more than a statement can be") from None
    return [line for line in map(str.rstrip, text.splitlines()) if line]


def _pages(pdf: bytes) -> Iterator[str]:
    reader = PdfReader(io.BytesIO(pdf))
    if reader.is_encrypted:
        raise Unreadable("the document is encrypted")
    left, effort = MAX_CHARACTERS, MAX_EFFORT
    for number, page in enumerate(reader.pages):
        effort -= _effort(page)
        if number == MAX_PAGES or effort < 0:
            raise Unreadable("the document has too many pages, or too much on them")
        text = page.extract_text(extraction_mode="layout", layout_mode_space_vertically=False)
        left -= len(text)
        if left < 0:
            raise Unreadable("the document has too much text")
        yield text


def _effort(page: PageObject) -> int:
    """Return how many matrices pypdf will multiply at the most to place the texts of a page.

    For each text it multiplies all those that are in force. No setting of its own bounds them.
    """
    contents = page.get_contents()
    data = b"" if contents is None else contents.get_data()
    shown = [part.count(b"(") + part.count(b"<") for part in _PLACING.split(data)]
    fonts = sum("/ToUnicode" in font for font in _fonts(page))
    return sum(shown) * (data.count(b"cm") + max(shown)) + fonts * _FONT_EFFORT


def _fonts(page: PageObject) -> Iterator[DictionaryObject]:
    """Return the fonts that pypdf will read: those of a page, and of all nodes above it."""
    node: Any = page
    for _ in range(_MAX_DEPTH):
        resources = node.get("/Resources", _NOTHING).get_object()
        for font in resources.get("/Font", _NOTHING).get_object().values():
            yield font.get_object()
        node = node.get("/Parent", _NOTHING).get_object()
        if not node:
            return
    raise Unreadable("the document's pages are nested too deeply")
