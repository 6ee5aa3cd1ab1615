from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tasks.clients.accounts.markup import file_of, keyed, moment, named, request, tag
from tasks.reading.xml import read_xml, text_at


def test_a_request_file_is_ofx():
    body = file_of(named("ada", "secret"), request("PROF", "<PROFRQ/>"))

    root = read_xml(body, most=10_000)
    assert body.startswith(
        b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        b'<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE"'
        b' NEWFILEUID="NONE"?>\n<OFX><SIGNONMSGSRQV1><SONRQ><DTCLIENT>2'
    )
    assert [one.tag for one in root] == ["SIGNONMSGSRQV1", "PROFMSGSRQV1"]
    assert [one.tag for one in root.findall("SIGNONMSGSRQV1/SONRQ/*")] == [
        *("DTCLIENT", "USERID", "USERPASS", "GENUSERKEY", "LANGUAGE", "APPID", "APPVER")
    ]
    assert re.fullmatch("[0-9a-f-]{36}", text_at(root, "PROFMSGSRQV1/PROFTRNRQ/TRNUID"))


def test_what_answers_a_challenge_stands_behind_the_sign_on():
    root = read_xml(file_of(keyed("k", "<ANSWER/>"), "", "<BESIDE/>"), most=10_000)

    assert [one.tag for one in root.findall("SIGNONMSGSRQV1/*")] == ["SONRQ", "BESIDE"]
    assert [one.tag for one in root.findall("SIGNONMSGSRQV1/SONRQ/*")] == [
        *("DTCLIENT", "USERKEY", "LANGUAGE", "APPID", "APPVER", "ANSWER")
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("</USERID><USERKEY>x", "<A>&lt;/USERID&gt;&lt;USERKEY&gt;x</A>"),
        ("a&b", "<A>a&amp;b</A>"),
        ("a\x00\ud800\ufffeb", "<A>ab</A>"),
    ],
)
def test_a_text_is_nothing_but_text(text, written):
    assert tag("A", text) == written


def test_a_point_in_time_is_written_as_ofx_has_it():
    now, before = moment("A"), moment("A", timedelta(days=365))

    assert re.fullmatch(r"<A>\d{14}\.000\[0:GMT\]</A>", now)
    assert before < now
