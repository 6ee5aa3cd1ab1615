"""Pay statements on paper: PDF of one page each."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reportlab.lib.pagesizes import letter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from tasks.providers.sandbox.people import Papers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tasks.providers.sandbox.payroll import Item, Pay
    from tasks.providers.sandbox.people import Person

#: Points from the left, and between two lines.
_LEFT, _VALUES, _LEADING = 54, 170, 14
#: The right ends of the columns of figures.
_COLUMNS = (320, 380, 460, 550)
_TOP = 738
#: What somebody adds to their pay who alters a statement.
_FORGED = Decimal("850.00")


def stub_of(person: Person, pay: Pay, *, newest: bool) -> bytes:
    """Return the statement of a pay day, in the state that somebody's papers are in."""
    if person.papers is Papers.ALTERED and newest:
        pay = _altered(pay)
    encrypted = person.papers is Papers.ENCRYPTED
    printed = print_stub(person.name, pay, password="secret" if encrypted else "")
    return printed[: len(printed) // 3] if person.papers is Papers.TORN else printed


def print_stub(employee: str, pay: Pay, *, password: str = "") -> bytes:
    """Print a pay statement; the same one is the same file each time."""
    out = io.BytesIO()
    encryption = StandardEncryption(password, strength=128) if password else None
    sheet = Canvas(out, pagesize=letter, invariant=1, pageCompression=1, encrypt=encryption)
    sheet.setTitle("Pay statement")
    sheet.setFont("Helvetica-Bold", 14)
    sheet.drawString(_LEFT, _TOP, "Pay statement")
    height = _TOP
    for is_strong, label, cells in _lines(employee, pay):
        height -= _LEADING
        sheet.setFont("Helvetica-Bold" if is_strong else "Helvetica", 9)
        if label:
            sheet.drawString(_LEFT, height, label)
        if len(cells) == 1:
            sheet.drawString(_VALUES, height, cells[0])
        else:
            for right, cell in zip(_COLUMNS, cells, strict=False):
                if cell:
                    sheet.drawRightString(right, height, cell)
    sheet.showPage()
    sheet.save()
    return out.getvalue()


def _altered(pay: Pay) -> Pay:
    """Return a pay day with more pay than there was; its sums of the year are as they were."""
    more = replace(pay.gross, amount=pay.gross.amount + _FORGED)
    return replace(pay, gross=more, net=replace(pay.net, amount=pay.net.amount + _FORGED))


def _lines(employee: str, pay: Pay) -> Iterator[tuple[bool, str, tuple[str, ...]]]:
    """Return the lines: whether it is printed in bold, its label, its value or its columns."""
    period = pay.period
    yield True, "", ()
    yield False, "Employer", (pay.job.employer,)
    yield False, "Employee", (employee,)
    yield False, "Job title", (pay.job.title,)
    yield False, "Statement number", (pay.id,)
    yield False, "Pay date", (f"{period.paid:%m/%d/%Y}",)
    yield False, "Pay period", (f"{period.start:%m/%d/%Y} to {period.end:%m/%d/%Y}",)
    yield True, "", ()
    yield True, "Earnings", ("Hours", "Rate", "Current", "Year to date")
    yield from _items(pay.earnings)
    yield True, "Gross pay", _figures(pay.gross)
    yield True, "Taxes", ("", "", "Current", "Year to date")
    yield from _items(pay.taxes)
    yield True, "Total taxes", _figures(*pay.taxes)
    yield True, "Deductions", ("", "", "Current", "Year to date")
    yield from _items(pay.deductions)
    yield True, "Total deductions", _figures(*pay.deductions)
    yield True, "", ()
    yield True, "Net pay", _figures(pay.net)


def _items(items: Iterable[Item]) -> Iterator[tuple[bool, str, tuple[str, ...]]]:
    for item in items:
        yield False, item.label, _figures(item)


def _figures(*items: Item) -> tuple[str, ...]:
    """Return the four columns of an item, or of the sum of several."""
    hours, rate = (items[0].hours, items[0].rate) if len(items) == 1 else (None, None)
    amounts = sum(item.amount for item in items), sum(item.ytd for item in items)
    return tuple("" if one is None else f"{one:,.2f}" for one in (hours, rate, *amounts))
