"""Logs, traces and metrics: structlog JSON, OpenTelemetry spans that follow a run through the log, Prometheus numbers.

A run is one trace: its id is the run's id, and every event of the run carries the span that appended it, so that a
service which reads the event continues there. A long run is cut: each further hundred of steps is a trace of its own,
whose id follows from the run and the number of the hundred. Labels of metrics are owners and event names, never
subjects.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from prometheus_client import Counter, Gauge, Histogram

from contracts.subjects import derived_id

APPENDED = Counter("waymark_events_appended_total", "Events appended to the log", ["owner", "event"])
CONFLICTS = Counter("waymark_append_conflicts_total", "Decisions that had to be taken again", ["reactor"])
HANDLED = Counter("waymark_triggers_total", "Triggers by what came of them", ["reactor", "result"])
HANDLING_S = Histogram("waymark_trigger_seconds", "Time from a trigger's arrival to its acknowledgement", ["reactor"])
IN_FLIGHT = Gauge("waymark_triggers_in_flight", "Triggers that wait for their turn or are worked on", ["reactor"])
PROJECTED = Counter("waymark_events_projected_total", "Events projected into tables", ["projection"])
LAG = Gauge("waymark_projection_lag_events", "Events in the log that a projection has not seen yet", ["projection"])
PARKED = Gauge(
    "waymark_projection_parked_events", "Events that wait because they could not be projected", ["projection"]
)
DEAD = Counter("waymark_dead_letters_total", "Messages moved to the dead letters", ["service", "kind"])

STEPS_A_TRACE = 100
"""A trace of a thousand steps has tens of thousands of spans: no viewer shows it."""

_tracer = trace.get_tracer("waymark")
log = structlog.get_logger()


def configure_logging(service: str, *, level: str = "INFO") -> None:
    """Everything that is logged becomes one JSON object a line on standard error, third-party records included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("botocore", "aiobotocore", "httpx", "httpcore", "nats"):
        logging.getLogger(noisy).setLevel("WARNING")
    structlog.contextvars.bind_contextvars(service=service)


def configure_tracing(service: str, endpoint: str | None, *, instance: str) -> TracerProvider | None:
    """Sends spans to an OTLP/HTTP endpoint (its base URL); without one, tracing costs nothing."""
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource, id_generator=_Ids())
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000, max_queue_size=8192))
    trace.set_tracer_provider(provider)
    return provider


def hundred_of(step: int) -> int:
    """Which of a run's traces a step belongs to: 0 for the first hundred steps, and for what precedes them."""
    return max(step - 1, 0) // STEPS_A_TRACE


def run_root_traceparent(run_id: UUID, hundred: int = 0) -> str:
    """The root span of a run, or of a further hundred of its steps: ids are derived, so that nobody has to be told
    them."""
    if hundred == 0:
        return f"00-{run_id.hex}-{derived_id('run-span', run_id).hex[:16]}-01"
    trace_id, span_id = derived_id("run-trace", run_id, hundred), derived_id("run-span", run_id, hundred)
    return f"00-{trace_id.hex}-{span_id.hex[:16]}-01"


def trace_id_of(traceparent: str) -> str:
    return traceparent[3:35]


def traceparent_in_run(
    traceparent: str | None, run_id: UUID | None, *, step: int | None = None, from_run: UUID | None = None
) -> str | None:
    """Where an event of a run belongs: in the trace of its step, under `traceparent` where that is in there, else under
    the root. An event that tells no step stays with its cause, if that is of the same run (`from_run`)."""
    if run_id is None:
        return traceparent
    if step is None and from_run == run_id and traceparent is not None:
        return traceparent
    root = run_root_traceparent(run_id, hundred_of(step or 0))
    return traceparent if traceparent is not None and trace_id_of(traceparent) == trace_id_of(root) else root


@dataclass(frozen=True)
class RootSpan:
    """The root of a trace, told once it is over: the parent of what began it. `links`: traceparents of others."""

    traceparent: str
    name: str
    started_at: datetime
    ended_at: datetime
    links: tuple[str, ...] = ()
    attributes: Mapping[str, str | int] = field(default_factory=dict)


def record_root(root: RootSpan) -> None:
    _, trace_id, span_id, _ = root.traceparent.split("-")
    token = _Ids.given.set((int(trace_id, 16), int(span_id, 16)))
    try:
        opened = _tracer.start_span(
            root.name,
            Context(),
            attributes=root.attributes,
            links=[Link(context) for link in root.links if (context := _span_context(link)) is not None],
            start_time=_nanoseconds(root.started_at),
        )
        opened.end(_nanoseconds(root.ended_at))
    finally:
        _Ids.given.reset(token)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


class _Ids(RandomIdGenerator):
    """Random ids, but for a span whose ids are given: the trace of a run, and the span that it is."""

    given: ContextVar[tuple[int, int] | None] = ContextVar("given", default=None)

    def generate_trace_id(self) -> int:
        ids = self.given.get()
        return super().generate_trace_id() if ids is None else ids[0]

    def generate_span_id(self) -> int:
        ids = self.given.get()
        return super().generate_span_id() if ids is None else ids[1]


def current_traceparent() -> str | None:
    """W3C traceparent of the span that is open here, or None."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def span(name: str, traceparent: str | None = None, **attributes: str | float | bool) -> Iterator[trace.Span]:
    """A span under `traceparent` (W3C), or under the one that is open here."""
    context = None if traceparent is None else _context(traceparent)
    with _tracer.start_as_current_span(name, context, kind=SpanKind.CONSUMER, attributes=attributes) as opened:
        yield opened


def _context(traceparent: str) -> Context | None:
    remote = _span_context(traceparent)
    return None if remote is None else trace.set_span_in_context(NonRecordingSpan(remote), Context())


def _span_context(traceparent: str) -> SpanContext | None:
    parts = traceparent.split("-")
    if len(parts) != 4:
        return None
    return SpanContext(int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(int(parts[3], 16)))
