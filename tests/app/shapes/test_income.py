from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.shapes import income
from app.shapes.fault import Fault
from app.shapes.income_schemas import TaskInfo
from tasks.job.record import Job
from tasks.job.states import State
from tasks.webhooks.account_tasks import status

AT = datetime(2022, 6, 7, 15, tzinfo=UTC)
JOB = Job(
    id="48427a36d43c4d5aa6324bc06c692456", seq=1, type="account_connection", tenant="t",
    state=State.RUNNING, queue="income", gate=None, payload={}, result=None, code=None, error=None,
    conflict=None, stage=None, progress={}, cursor={}, attempts=1, failures=0, worker=None,
    created_at=AT, updated_at=AT, due_at=AT, started_at=AT, finished_at=None, expires_at=None,
)  # fmt: skip


def test_the_income_api_has_a_word_for_each_of_our_five_states():
    assert {state.value: word for state, word in income.STATUS.items()} == {
        "pending": "new",
        "running": "new",
        "completed": "done",
        "failed": "error",
        "rejected": "error",
    }


@pytest.mark.parametrize(
    "word",
    [
        *("error", "login_error", "account_locked", "mfa_error", "config_error"),
        *("no_data", "unavailable", "unable_to_reset", "not_supported"),
    ],
)
def test_a_failed_task_has_the_word_of_its_cause(word):
    failed = replace(JOB, state=State.FAILED, code=word, error="it is so", stage="login")

    assert status(failed) == word


def test_a_task_that_ended_well_is_done_whatever_stage_it_was_in():
    assert status(replace(JOB, state=State.COMPLETED, stage="full_parse")) == "done"


def test_the_documented_statuses_are_the_ten_terminal_words_and_those_of_a_task_that_runs():
    (allowed,) = TaskInfo().fields["status"].validators

    assert set(allowed.choices) == {
        *("done", "error", "login_error", "account_locked", "mfa_error", "config_error"),
        *("no_data", "unavailable", "unable_to_reset", "not_supported"),
        *("new", "login", "mfa", "parse", "full_parse", "switch_deposit"),
    }


def test_products_and_data_sources_are_those_of_the_document():
    assert (
        *("income", "employment", "deposit_switch", "pll", "insurance"),
        *("transactions", "assets"),
    ) == income.PRODUCTS
    assert income.DATA_SOURCES == ("payroll", "docs", "insurance", "financial_accounts", "tax")


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault.NOT_FOUND, (404, {"detail": "Not Found."})),
        (Fault.NO_SUCH_PATH, (404, {"detail": "Not Found."})),
        (
            Fault.UNAUTHENTICATED,
            (
                401,
                {
                    "error": {
                        "code": "authentication_failed",
                        "message": "Incorrect authentication credentials",
                    }
                },
            ),
        ),
        (
            Fault.BAD_PARAMETER,
            (
                400,
                {
                    "error": {
                        "code": "incorrect_parameters",
                        "message": "Incorrect request parameters",
                        "extra": {"invalid-params": [{"field": "request", "message": "why"}]},
                    }
                },
            ),
        ),
        (
            Fault.UNAVAILABLE,
            (
                503,
                {
                    "error": {
                        "code": "unavailable",
                        "message": "Temporarily unavailable, nothing was accepted: why",
                    }
                },
            ),
        ),
    ],
)
def test_an_error_has_the_documented_form(fault, found):
    detail = "" if fault in {Fault.UNAUTHENTICATED, Fault.NOT_FOUND} else "why"

    assert income.error(fault, detail) == found


def test_what_a_schema_found_wrong_is_listed_by_field():
    found = income.params({"account": {"deposit_value": ["Not a number."]}, "events": {0: ["No."]}})

    assert found == [
        {"field": "account.deposit_value", "message": "Not a number."},
        {"field": "events.0", "message": "No."},
    ]
