"""Requests in OFX 2.2, put together from texts."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

_HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)
#: Who signs on to ask what the bank can do; OFX 2.2, 7.1.1.
ANONYMOUS = "anonymous00000000000000000000000"
#: Longer ago than anything that is asked about.
EVER = "19900101000000"
_APP = "<LANGUAGE>ENG</LANGUAGE><APPID>JOBSPINE</APPID><APPVER>0100</APPVER>"
#: The sets of messages that requests are part of.
_SETS = {"PROF": "PROFMSGSRQV1", "ACCTINFO": "SIGNUPMSGSRQV1", "STMT": "BANKMSGSRQV1"}
#: What XML has no way to write.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def file_of(signed: str, asked: str, beside: str = "") -> bytes:
    """Return a request file: who signs on, what else is asked with it, and what is asked."""
    sign_on = f"<SONRQ>{moment('DTCLIENT')}{signed}</SONRQ>{beside}"
    sets = f"<SIGNONMSGSRQV1>{sign_on}</SIGNONMSGSRQV1>{asked}"
    return f"{_HEADER}<OFX>{sets}</OFX>".encode()


def named(username: str, password: str) -> str:
    """Sign on with a name and a password, for a user key."""
    return tag("USERID", username) + tag("USERPASS", password) + "<GENUSERKEY>Y</GENUSERKEY>" + _APP


def keyed(user_key: str, answer: str = "") -> str:
    """Sign on with a user key, and the answer to what the bank asked for."""
    return tag("USERKEY", user_key) + _APP + answer


def request(kind: str, asked: str) -> str:
    """Return a request in its set of messages."""
    return f"<{_SETS[kind]}>{transaction(kind, asked)}</{_SETS[kind]}>"


def transaction(kind: str, asked: str) -> str:
    """Return a request with a number of its own."""
    number = tag("TRNUID", str(uuid.uuid4()))
    return f"<{kind}TRNRQ>{number}{asked}</{kind}TRNRQ>"


def moment(name: str, ago: timedelta = timedelta(0)) -> str:
    """Return a point in time, so long ago."""
    return tag(name, f"{datetime.now(UTC) - ago:%Y%m%d%H%M%S}.000[0:GMT]")


def tag(name: str, text: str) -> str:
    """Return an element with a text, whatever is in it."""
    return f"<{name}>{escape(_NO_XML.sub('', text))}</{name}>"
