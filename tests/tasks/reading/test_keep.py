from __future__ import annotations

import json
from datetime import date

import pytest

from tasks.clients.accounts.protocol import Document, MfaNeeded, Session
from tasks.reading.employment import Employment
from tasks.reading.keep import as_json, from_json
from tasks.reading.stub import PayStub
from tests.tasks.reading.statements import STUB, money

EMPLOYMENT = Employment(
    id="J-1",
    employee="Ada Fielding",
    job_title="Warehouse Lead",
    company="Lakeside Goods Inc",
    pay_rate=money("36.50"),
    pay_unit="HOURLY",
    is_active=True,
    start_date=date(2019, 3, 11),
    end_date=None,
)


@pytest.mark.parametrize(
    "kept",
    [
        STUB,
        EMPLOYMENT,
        Document(id="d", kind="pay_stub", day=date(2026, 1, 16), place=("a", "b")),
        Session(token="t", seconds=900.0),
        MfaNeeded(challenge="c", hint="h"),
    ],
)
def test_what_is_kept_as_json_comes_back_as_it_was(kept):
    assert from_json(type(kept), json.loads(json.dumps(as_json(kept)))) == kept


def test_amounts_and_days_are_kept_as_text():
    kept = as_json(EMPLOYMENT)

    assert (kept["pay_rate"], kept["start_date"], kept["end_date"]) == ("36.50", "2019-03-11", None)


@pytest.mark.parametrize("given", [{}, {"token": "t"}, {"token": "t", "second": 1}])
def test_what_is_something_else_does_not_come_back(given):
    with pytest.raises(LookupError):
        from_json(Session, given)


def test_a_statement_that_lost_its_form_does_not_come_back():
    with pytest.raises(ValueError, match="isoformat"):
        from_json(PayStub, {**as_json(STUB), "pay_date": "soon"})
