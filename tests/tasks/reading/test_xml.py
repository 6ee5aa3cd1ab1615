from __future__ import annotations

import pytest

from tasks.reading.unreadable import Unreadable
from tasks.reading.xml import read_xml, text_at

ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE OFX [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><OFX>&c;</OFX>"""
OUTSIDE = b'<!DOCTYPE OFX [<!ENTITY a SYSTEM "file:///etc/passwd">]><OFX>&a;</OFX>'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (ENTITIES, "the document declares a DTD or entities"),
        (OUTSIDE, "the document declares a DTD or entities"),
        (b"<!DOCTYPE OFX><OFX/>", "the document declares a DTD or entities"),
        (b"", "the document is not XML"),
        (b"<OFX>", "the document is not XML"),
        (b"OFXHEADER:100\nDATA:OFXSGML\n<OFX><CODE>0", "the document is not XML"),
        (b"<OFX>&nbsp;</OFX>", "the document is not XML"),
        (b'<?xml version="1.0" encoding="nowhere"?><OFX/>', "the document is not XML"),
        (b"<OFX>\xff</OFX>", "the document is not XML"),
        (b"<OFX>" + b" " * 1000 + b"</OFX>", "the document is too large"),
    ],
)
def test_what_is_not_plain_xml_is_unreadable(body, text):
    with pytest.raises(Unreadable, match=text):
        read_xml(body, most=1000)


def test_text_is_found_by_its_path():
    root = read_xml(b"<A><B><C> x\n</C></B></A>", most=100)

    assert (text_at(root, "B/C"), text_at(root, "B"), text_at(root, "D")) == ("x", "", "")


def test_xml_may_be_nested_as_deeply_as_its_size_allows():
    root = read_xml(b"<a>" * 100_000 + b"</a>" * 100_000, most=1_000_000)

    assert root.tag == "a"
