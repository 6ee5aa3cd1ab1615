from __future__ import annotations

import re
import sys
from datetime import timedelta

import pytest
from marshmallow import Schema, fields

from tasks.job import declare
from tasks.job.declare import JOB_TYPES, Gate, discover, hex_id, job_type
from tasks.job.errors import JobTypeFaulty


class Nothing(Schema):
    """No fields."""


class Text(Schema):
    text = fields.String(required=True)


@pytest.fixture(autouse=True)
def types_of_this_test(monkeypatch):
    """A registry that forgets what a test declares, and that alone."""
    discover()  # what is imported later would be forgotten too
    monkeypatch.setattr(declare, "JOB_TYPES", dict(JOB_TYPES))
    return declare.JOB_TYPES


def test_a_declared_function_stays_itself_and_is_known_by_its_name(types_of_this_test):
    def handler(_ctx, text):
        return {"text": text}

    returned = job_type("echo", payload=Text, result=Text, queue="bulk", attempts=7)(handler)

    assert returned is handler
    known = types_of_this_test["echo"]
    assert known.handler is handler
    assert (known.queue, known.attempts, known.timeout, known.api) == ("bulk", 7, 60.0, "voting")
    assert known.keep == timedelta(days=30)
    assert re.fullmatch("[0-9a-f]{32}", known.new_id(None))


def test_a_parameter_that_the_payload_lacks_is_a_fault_at_import():
    def handler(ctx, txt): ...

    with pytest.raises(JobTypeFaulty) as faulty:
        job_type("echo", payload=Text, result=Nothing)(handler)

    assert str(faulty.value) == (
        "echo: the payload has the fields ['text'], the handler takes ['txt']"
    )


def test_a_field_that_the_handler_lacks_is_a_fault_at_import():
    def handler(ctx): ...

    with pytest.raises(JobTypeFaulty, match=r"fields \['text'\], the handler takes \[\]"):
        job_type("echo", payload=Text, result=Nothing)(handler)


def test_a_gate_over_a_field_that_is_not_there_is_a_fault_at_import():
    def handler(ctx, text): ...

    with pytest.raises(JobTypeFaulty, match="the gate names a field that the payload lacks"):
        job_type("echo", payload=Text, result=Nothing, gate=Gate("text", "org"))(handler)


def test_a_name_that_another_module_has_declared_is_a_fault_at_import():
    def handler(ctx): ...

    def twin(ctx): ...

    twin.__module__ = "elsewhere"
    job_type("echo", payload=Nothing, result=Nothing)(handler)

    with pytest.raises(JobTypeFaulty, match=r"echo is declared in .*test_declare already"):
        job_type("echo", payload=Nothing, result=Nothing)(twin)


def test_a_faulty_type_is_not_registered(types_of_this_test):
    def handler(ctx): ...

    with pytest.raises(JobTypeFaulty):
        job_type("echo", payload=Text, result=Nothing)(handler)

    assert "echo" not in types_of_this_test


def test_the_scope_of_a_gate_is_made_of_all_its_fields():
    assert Gate("org", "kind").scope({"org": "a", "kind": 7, "text": "x"}) == "a/7"


def test_an_id_has_as_many_hexadecimal_digits_as_it_should():
    make = hex_id(64)

    assert re.fullmatch("[0-9a-f]{64}", make(None))
    assert make(None) != make(None)


def test_the_modules_of_tasks_are_found_by_themselves():
    assert "org_members" in discover()


def test_a_module_elsewhere_is_found_when_it_is_named(tmp_path, monkeypatch):
    source = (
        "from marshmallow import Schema\nfrom tasks.job.declare import job_type\n"
        "@job_type('found_elsewhere', payload=Schema, result=Schema)\n"
        "def found_elsewhere(ctx): ...\n"
    )
    (tmp_path / "jobs_elsewhere.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)

    found = discover(["jobs_elsewhere"])

    assert "found_elsewhere" in found
    del sys.modules["jobs_elsewhere"]


def test_a_module_that_lacks_another_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "lacks_another.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        discover(["lacks_another"])


def test_how_long_jobs_of_a_type_are_kept_can_be_set():
    assert discover(keep={"org_members": 60})["org_members"].keep == timedelta(minutes=1)
    with pytest.raises(JobTypeFaulty, match="JOB_KEEP names nothing, and no such type"):
        discover(keep={"nothing": 60})


def test_an_import_is_kept_for_a_quarter_of_an_hour_and_has_an_id_of_32_digits():
    kind = discover()["org_members"]

    assert kind.keep == timedelta(minutes=15)
    assert re.fullmatch("[0-9a-f]{32}", kind.new_id(None))
    assert kind.api == "voting"
