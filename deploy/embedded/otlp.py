"""An OTLP/HTTP receiver (protobuf) that keeps the spans that services send: what the tests of tracing look into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from deploy.embedded.loopback import LoopbackServer, Records

PROTOBUF = "application/x-protobuf"
Attribute = str | bool | int | float | bytes | list[Any] | dict[str, Any] | None


@dataclass(frozen=True)
class Span:
    """One span; ids in hexadecimal, `parent_id` empty for a root, times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    attributes: dict[str, Attribute]
    links: tuple[tuple[str, str], ...]
    """(trace id, span id) of each linked span."""
    start_ns: int
    end_ns: int
    is_error: bool


def _value(value: AnyValue) -> Attribute:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case kind:
            plain: Attribute = getattr(value, kind)
            return plain


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Attribute]:
    return {pair.key: _value(pair.value) for pair in pairs}


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """The spans of one export, with the service's name from their resource."""
    for resource_spans in request.resource_spans:
        service = str(_attributes(resource_spans.resource.attributes).get("service.name", ""))
        for span in (span for scope in resource_spans.scope_spans for span in scope.spans):
            yield Span(
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                service,
                span.name,
                _attributes(span.attributes),
                tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                span.status.code == span.status.STATUS_CODE_ERROR,
            )


class OtlpReceiver(LoopbackServer):
    """`url` is the base that exporters are given; they add /v1/traces. Keeps the latest `limit` spans."""

    def __init__(self, limit: int = 100_000, file: Path | None = None) -> None:
        super().__init__({"POST /v1/traces": self._receive})
        self.spans: Records[Span] = Records(lambda span: span.__dict__, limit, file)

    def traces(self) -> dict[str, list[Span]]:
        """Trace id -> its spans in the order of their start."""
        grouped: dict[str, list[Span]] = defaultdict(list)
        for span in sorted(self.spans.all, key=lambda span: span.start_ns):
            grouped[span.trace_id].append(span)
        return dict(grouped)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != PROTOBUF:
            raise web.HTTPUnsupportedMediaType(text=f"send {PROTOBUF}")
        export = ExportTraceServiceRequest()
        try:
            export.ParseFromString(await request.read())
        except DecodeError as error:
            raise web.HTTPBadRequest(text=f"not an ExportTraceServiceRequest: {error}") from error
        for span in spans_of(export):
            self.spans.add(span)
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)
