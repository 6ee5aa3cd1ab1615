"""Somebody who collects spans by OTLP over HTTP, as a collector of OpenTelemetry's does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.providers import Provider, Request

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Sent:
    """A span that came in."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    has_failed: bool


class _Export(Request):
    provider: Collector

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.provider.take(self.path, body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.reply(200, answer, Content_Type="application/x-protobuf")


class Collector(Provider):
    """The collector: every span that it was sent."""

    request = _Export

    def __init__(self) -> None:
        self.spans: list[Sent] = []
        #: The same as it came over the wire.
        self.bodies: list[bytes] = []
        super().__init__()

    def take(self, path: str, body: bytes) -> None:
        """Read a request and keep its spans."""
        assert path == "/v1/traces"
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_sent(service, span) for span in scope.spans]

    def named(self, name: str) -> list[Sent]:
        """Return the spans of a name, in the order in which they came in."""
        return [span for span in self.spans if span.name == name]


def _sent(service: str, span: Span) -> Sent:
    return Sent(
        service=service,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        has_failed=span.status.code == Status.STATUS_CODE_ERROR,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of this test."""
    made = Collector()
    yield made
    made.close()
