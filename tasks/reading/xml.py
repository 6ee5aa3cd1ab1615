"""XML that others wrote: no entities, no DTD, no more than was agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tasks.reading.text import printable
from tasks.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def read_xml(body: bytes, *, most: int) -> Element:
    """Return the root of a document of so many bytes at the most.

    Raises:
        Unreadable: it is larger, is not XML, or declares a DTD or entities.
    """
    if len(body) > most:
        raise Unreadable("the document is too large")
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise Unreadable("the document declares a DTD or entities") from None
    except (ParseError, ValueError, LookupError):  # the last two: of its encoding
        raise Unreadable("the document is not XML") from None
    return root


def text_at(element: Element, path: str) -> str:
    """Return the text at a path, or nothing where there is none."""
    return printable(element.findtext(path))
