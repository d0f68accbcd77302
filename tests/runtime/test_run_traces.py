"""A long run on the real log: from step 101 on it is in another trace, whoever writes and whatever the cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from nats.js import JetStreamContext
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contracts.subjects import event_filter
from services.runtime import telemetry
from services.runtime.aggregate import Aggregate
from services.runtime.clock import SystemClock
from services.runtime.log import Log
from services.runtime.reactor import Decider, Decision, Trigger
from services.runtime.sealing import Sealer
from services.runtime.telemetry import RootSpan, record_root, run_root_traceparent, trace_id_of
from tests.runtime.conftest import until
from tests.runtime.consuming import Doing, consuming, make_durable
from tests.runtime.toys import NOW, OWNER, Answered, Stepped, ask

pytestmark = pytest.mark.system

RUN = Aggregate[int](
    "toy run", OWNER, int, lambda step, r: getattr(r.event, "sequence", step), step_of=lambda step: step
)
ANSWER = Aggregate[int]("answer", OWNER, int, lambda count, _r: count + 1)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=telemetry._Ids())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


async def test_what_follows_from_step_101_is_in_a_trace_of_its_own_across_the_log(
    log: Log, js: JetStreamContext, sealer: Sealer, provisioned: str, scope: UUID, spans: InMemorySpanExporter
) -> None:
    run_id = uuid4()
    run = Decider("toy-run", RUN, log, SystemClock())
    elsewhere = Decider("toy-elsewhere", ANSWER, log, SystemClock())

    async def answer(trigger: Trigger[Stepped]) -> None:
        event = Answered(answer_id=uuid4(), run_id=run_id)
        await elsewhere.decide(event.answer_id, trigger, lambda *_: Decision((event,)))

    handler = Doing(sealer, answer)
    durable = await make_durable(js, handler.name, event_filter(Stepped, route=scope))
    roots = {step: run_root_traceparent(run_id, hundred) for step, hundred in ((99, 0), (100, 0), (101, 1), (102, 1))}
    async with consuming(js, provisioned, handler, durable):
        for step, root in roots.items():  # Each is asked for by somebody outside the run, as a timer or a person would.
            event = Stepped(run_id=run_id, sequence=step, scope=scope)
            (appended,) = await run.decide(run_id, ask(), lambda *_, e=event: Decision((e,)))
            assert appended.traceparent == root
        await until(lambda: len(handler.done) == len(roots), "an answer to each step")
    for span in spans.get_finished_spans():
        assert span.parent is not None
        assert span.attributes is not None
        assert span.attributes["run_id"] == str(run_id)
    seen = [(ids(span)[0], f"{span.parent.span_id:016x}") for span in spans.get_finished_spans() if span.parent]
    assert seen == [(trace_id_of(root), root.split("-")[2]) for root in roots.values()]


async def test_an_answer_is_under_the_span_that_wrote_it_in_the_trace_of_its_step(
    log: Log, spans: InMemorySpanExporter
) -> None:
    run_id = uuid4()
    run, elsewhere = Decider("toy-run", RUN, log, SystemClock()), Decider("elsewhere", ANSWER, log, SystemClock())
    (asked,) = await run.decide(run_id, ask(), lambda *_: Decision((Stepped(run_id=run_id, sequence=150, scope=None),)))
    event = Answered(answer_id=uuid4(), run_id=run_id)
    with telemetry.span("handling", asked.traceparent):
        await elsewhere.decide(event.answer_id, Trigger.of(asked), lambda *_: Decision((event,)))
    (answered,) = await log.read(OWNER, event.answer_id)
    (span,) = spans.get_finished_spans()
    assert answered.traceparent == "-".join(("00", *ids(span), "01"))
    assert ids(span)[0] == trace_id_of(run_root_traceparent(run_id, 1))


async def test_what_is_asked_of_a_run_from_outside_or_late_belongs_to_its_step_of_now(log: Log) -> None:
    """A pause knows no step, and a timer that was set at step 3 knows an old one: the run knows its own."""
    run_id = uuid4()
    run = Decider("toy-run", RUN, log, SystemClock())
    await run.decide(run_id, ask(), lambda *_: Decision((Stepped(run_id=run_id, sequence=250, scope=None),)))
    early = Trigger(uuid4(), "a timer", NOW, run_id, run_root_traceparent(run_id))
    for trigger in (early, ask()):
        noted = Answered(answer_id=run_id, run_id=run_id)
        (appended,) = await run.decide(run_id, trigger, lambda *_, e=noted: Decision((e,)))
        assert appended.traceparent == run_root_traceparent(run_id, 2)


async def test_a_hundred_and_the_next_are_decided_in_one_batch_and_are_in_two_traces(log: Log) -> None:
    run_id = uuid4()
    run = Decider("toy-run", RUN, log, SystemClock())
    steps = tuple(Stepped(run_id=run_id, sequence=step, scope=None) for step in (100, 101))
    appended = await run.decide(run_id, ask(), lambda *_: Decision(steps))
    assert [r.traceparent for r in appended] == [run_root_traceparent(run_id, n) for n in (0, 1)]


def test_a_root_has_the_ids_that_everybody_derives_and_links(spans: InMemorySpanExporter) -> None:
    run_id = uuid4()
    first, second = (run_root_traceparent(run_id, n) for n in (0, 1))
    record_root(RootSpan(second, "run", NOW, NOW + timedelta(seconds=3), (first,), {"run_id": str(run_id)}))
    (span,) = spans.get_finished_spans()
    assert ids(span) == tuple(second.split("-")[1:3])
    assert span.parent is None
    assert [(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links] == [
        tuple(first.split("-")[1:3])
    ]
    assert span.attributes == {"run_id": str(run_id)}
    assert span.end_time - span.start_time == 3_000_000_000
