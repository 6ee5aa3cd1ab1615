from __future__ import annotations

import subprocess
import sys

import pytest

from config import tracing
from tests.conftest import ROOT, environment

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def traced(collector, with_setting):
    """This process, with somebody who collects its spans; stopping it brings them there."""
    tracing.start(with_setting(otel_exporter_otlp_endpoint=collector.url), "test")
    yield collector
    tracing.stop()


def test_what_goes_on_inside_a_span_belongs_under_it(traced):
    with tracing.span("outer", "SERVER", parent=PARENT, attributes={"a": 1}) as span:
        span.note({"b": "two"})
        inside = tracing.current()
        with tracing.span("inner"):
            pass
    tracing.stop()

    (inner,), (outer,) = traced.named("inner"), traced.named("outer")
    assert (outer.trace, outer.parent, outer.kind) == (TRACE, "b7ad6b7169203331", "SERVER")
    assert outer.attributes == {"a": 1, "b": "two"}
    assert (inner.trace, inner.parent) == (TRACE, outer.id)
    assert inside == f"00-{TRACE}-{outer.id}-01"
    assert (outer.service, outer.has_failed) == ("test", False)


def test_a_parent_of_another_story_comes_before_what_goes_on(traced):
    with tracing.span("outer"):
        with tracing.span("of another", parent=PARENT):
            pass
        with tracing.span("of the same", parent=tracing.current()):
            pass
    tracing.stop()

    (outer,) = traced.named("outer")
    assert traced.named("of another")[0].trace == TRACE
    assert traced.named("of the same")[0].parent == outer.id


@pytest.mark.parametrize("nonsense", ["", "x", "00-0-0-01", f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_parent_that_is_none_begins_a_story_of_its_own(traced, nonsense):
    with tracing.span("alone", parent=nonsense):
        pass
    tracing.stop()

    assert traced.named("alone")[0].parent == ""


def test_the_text_of_an_error_is_not_sent(traced):
    with pytest.raises(ValueError, match="secret"), tracing.span("fails"):
        raise ValueError("a secret")
    tracing.stop()

    (span,) = traced.named("fails")
    assert span.has_failed
    assert span.attributes == {"error.type": "ValueError"}
    assert b"secret" not in b"".join(traced.bodies)


def test_without_an_endpoint_nothing_is_made(settings):
    tracing.start(settings, "test")

    with tracing.span("nothing", parent=PARENT) as span:
        span.note({"a": 1})
        span.fail("x")
        assert tracing.current() is None
    assert not tracing.is_on()


def test_without_an_endpoint_nothing_that_makes_or_sends_spans_is_loaded(settings):
    # redis-py loads what OpenTelemetry has for metrics by itself, where it is installed.
    code = (
        "import sys; from app import create_app; create_app(); import workers.celery;"
        "import workers.supervisor; print([m for m in sys.modules if m.startswith("
        "('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'google.protobuf'))])"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        check=True,
    )

    assert shown.stdout == b"[]\n"
