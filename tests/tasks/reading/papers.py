"""PDF files, good and hostile, written by hand or by reportlab."""

from __future__ import annotations

import io
import zlib

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas


def printed(*lines: tuple[tuple[float, str], ...], pages: int = 1) -> bytes:
    """Print lines, each of texts at their distances from the left."""
    out = io.BytesIO()
    sheet = Canvas(out, pagesize=letter, invariant=1)
    for _ in range(pages):
        for number, line in enumerate(lines):
            for left, text in line:
                sheet.drawString(left, 700 - 14 * number, text)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def pdf(*objects: bytes) -> bytes:
    """Return a file of numbered objects, of which the first is the catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, given in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, given)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    )


def stream(data: bytes, *, compressed: bool = True) -> bytes:
    """Return a stream object."""
    packed = zlib.compress(data, 9) if compressed else data
    words = b"/Filter /FlateDecode " if compressed else b""
    return b"<< /Length %d %b>>\nstream\n%b\nendstream" % (len(packed), words, packed)


_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
    b" /Resources << /Font << /F1 5 0 R >> >> >>"
)


def with_content(content: bytes, *, pages: int = 1) -> bytes:
    """Return a file whose pages all show the same content."""
    kids = b" ".join([b"3 0 R"] * pages)
    tree = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages)
    return pdf(b"<< /Type /Catalog /Pages 2 0 R >>", tree, _PAGE, stream(content), _FONT)


def page_tree_bomb() -> bytes:
    """Return a file with ten to the power of nine pages, which are one."""
    nodes = [
        b"<< /Type /Pages /Kids [%b] /Count 1000000000 >>" % b" ".join([b"%d 0 R" % (n + 3)] * 10)
        for n in range(9)
    ]
    page = b"<< /Type /Page /MediaBox [0 0 612 792] >>"
    return pdf(b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, page)


def endless_page_tree() -> bytes:
    """Return a file whose pages lead back to their beginning."""
    first = b"<< /Type /Pages /Kids [3 0 R] /Count 5 >>"
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>", first, b"<< /Type /Pages /Kids [2 0 R] /Count 5 >>"
    )


def font_bomb() -> bytes:
    """Return a file whose page has many fonts, each with a long table of its characters."""
    fonts = b" ".join(b"/F%d 5 0 R" % number for number in range(30))
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << %b >> >> >>" % fonts
    )
    table = b"begincmap 100 beginbfchar " + b"<01> <0041> " * 30_000 + b"endbfchar endcmap"
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        stream(b"BT /F1 9 Tf (a) Tj ET"),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        stream(table),
    )
