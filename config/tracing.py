"""Spans from a request to all that follows from it, where there is somebody who collects them.

Nothing that makes or sends spans is loaded unless an endpoint is set. A span says what was done, to
which job and for how long; it holds neither what came in nor what went out, nor an error's text.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from config.settings import Settings

#: How long the collector may take over one batch; seconds.
_EXPORT_SECONDS = 5.0
#: Where the collector takes spans, behind its endpoint.
_TRACES = "/v1/traces"
#: The header that says which span somebody is in, also the form in which a job keeps it.
HEADER = "traceparent"

#: What something is called, to be found by.
Attributes = dict[str, str | int | float | bool]


class Span(Protocol):
    """Something that goes on."""

    def note(self, attributes: Mapping[str, Any]) -> None:
        """Say more of it."""

    def fail(self, kind: str) -> None:
        """Say that it failed, in one of a few words."""


class _Nothing:
    """A span that nobody collects."""

    def note(self, _attributes: Mapping[str, Any]) -> None:
        return

    def fail(self, _kind: str) -> None:
        return


_OFF: AbstractContextManager[Span] = nullcontext(_Nothing())


class _Tracer:
    """Makes spans and has them sent; the only one who knows OpenTelemetry."""

    def __init__(self, endpoint: str, service: str) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - loaded by who has an endpoint
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service, "service.namespace": "jobspine"})
        )
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + _TRACES, timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("jobspine")

    @contextmanager
    def span(
        self, name: str, kind: str, parent: str | None, attributes: Attributes
    ) -> Iterator[Span]:
        # The text of an exception may quote what a client sent.
        with self._tracer.start_as_current_span(
            name,
            context=self._context(parent),
            kind=self._trace.SpanKind[kind],
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            span = _Collected(made, self._trace.StatusCode.ERROR)
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__name__)
                raise

    def current(self) -> str | None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(HEADER)

    def stop(self) -> None:
        self._provider.shutdown()

    def _context(self, parent: str | None) -> Any:
        """Return what a span belongs under: where we are, unless that is another story."""
        if parent is None:
            return None
        named = self._propagator.extract({HEADER: parent})
        theirs = self._trace.get_current_span(named).get_span_context()
        ours = self._trace.get_current_span().get_span_context()
        return None if ours.is_valid and ours.trace_id == theirs.trace_id else named


class _Collected:
    """A span that is sent when it ends."""

    def __init__(self, span: Any, error: Any) -> None:
        self._span = span
        self._error = error

    def note(self, attributes: Mapping[str, Any]) -> None:
        self._span.set_attributes(attributes)

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(self._error)


_tracer: _Tracer | None = None


def start(settings: Settings, service: str) -> None:
    """Have this process send its spans if the settings say where to, under the name of a service.

    To be called after a fork.
    """
    global _tracer  # noqa: PLW0603 - one for a process, as its logs are
    stop()
    if settings.otel_exporter_otlp_endpoint:
        _tracer = _Tracer(settings.otel_exporter_otlp_endpoint, service)


def stop() -> None:
    """Send what is left; it takes no longer than a few seconds."""
    global _tracer
    ended, _tracer = _tracer, None
    if ended is not None:
        ended.stop()


def is_on() -> bool:
    """Tell whether anybody collects spans."""
    return _tracer is not None


def span(
    name: str,
    kind: str = "INTERNAL",
    *,
    parent: str | None = None,
    attributes: Attributes | None = None,
) -> AbstractContextManager[Span]:
    """Make a span for as long as a block: a child of the one that goes on in this thread.

    With a parent, as the header `traceparent` has it, it is a child of that, unless the span that
    goes on belongs to the same story already. `kind` is OpenTelemetry's: SERVER, PRODUCER,
    CONSUMER or INTERNAL.
    """
    return _OFF if _tracer is None else _tracer.span(name, kind, parent, attributes or {})


def current() -> str | None:
    """Return the span that goes on in this thread, as the header `traceparent` has it."""
    return None if _tracer is None else _tracer.current()
