"""`trace`: what caused what in a run, from the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import typer

from contracts.catalogue import OWNERS, events_of
from contracts.event import Event
from contracts.orchestrator import RunFinished, RunStarted
from contracts.subjects import event_filter
from services.cli import queries
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, clean, print_json, say
from services.runtime.catch_up import read_batches
from services.runtime.log import Recorded
from services.runtime.tables import Unreadable
from services.runtime.telemetry import STEPS_A_TRACE, hundred_of, run_root_traceparent, trace_id_of

_TAIL_S = 0.3
_SHOWN_FIELDS = (
    "sequence",
    "purpose",
    "outcome",
    "status",
    "screen_name",
    "name",
    "message",
    "reason",
    "locator_value",
)


@dataclass(frozen=True)
class Line:
    """An event at its depth. What goes on (a step after a step) stays at the depth of what it follows from."""

    depth: int
    recorded: Recorded[Event]


def trace(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Id of a run, its beginning, or `last`.")] = queries.LAST,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Events at most.")] = 2000,
    as_json: Json = False,
) -> None:
    """Print a run's trace ids and its events as a tree: what caused what, across all services.

    A run is one trace; of a long one each further hundred of steps is a trace of its own.

    Example:  waymark trace last | less
    """

    async def command(session: Session) -> None:
        run_id, _ = await queries.find_run(await session.sql(), run)
        events = await _events(session, run_id)
        if as_json:
            rows = [_row(one) for one in events[:limit]]
            ids = trace_ids(run_id, events)
            print_json({"trace_id": run_id.hex, "trace_ids": ids, "run": run_id, "events": rows})
            return
        for title in titles(trace_ids(run_id, events)):
            say(title, style="bold")
        for line in list(tree(events))[:limit]:
            say(f"{'  ' * line.depth}{_text(line.recorded)}")
        if len(events) > limit:
            say(f".. {len(events) - limit} more (--limit)")

    execute(context, command)


def trace_ids(run_id: UUID, events: list[Recorded[Event]]) -> list[str]:
    """The traces that a run is, in the order of their steps: as many as its last step tells."""
    steps = (getattr(one.event, "sequence", 0) for one in events if not isinstance(one.event, Unreadable))
    return [trace_id_of(run_root_traceparent(run_id, n)) for n in range(hundred_of(max(steps, default=0)) + 1)]


def titles(ids: list[str]) -> Iterator[str]:
    if len(ids) == 1:
        yield f"trace id {ids[0]}"
        return
    for number, trace_id in enumerate(ids):
        yield f"trace id {trace_id}  steps {number * STEPS_A_TRACE + 1} to {(number + 1) * STEPS_A_TRACE}"


def tree(events: list[Recorded[Event]]) -> Iterator[Line]:
    """Events by causation, each behind its cause. Of several consequences the one that goes on furthest comes last,
    at the same depth, so that a long run stays readable."""
    children: dict[UUID | None, list[Recorded[Event]]] = defaultdict(list)
    known = {one.id for one in events}
    for one in events:
        children[one.causation_id if one.causation_id in known else None].append(one)
    reach: dict[UUID, int] = {}
    for one in reversed(events):
        reach[one.id] = max([one.seq, *(reach.get(child.id, child.seq) for child in children[one.id])])
    stack = [Line(0, one) for one in reversed(children[None])]
    while stack:
        line = stack.pop()
        yield line
        following = sorted(children[line.recorded.id], key=lambda child: (reach[child.id], child.seq))
        for child in reversed(following):
            goes_on = child is following[-1] and bool(children[child.id])
            stack.append(Line(line.depth + (0 if goes_on and line.depth else 1), child))


async def _events(session: Session, run_id: UUID) -> list[Recorded[Event]]:
    """Everything of a run, whoever wrote it, from its start; what followed its end as well."""
    log = await session.log()
    started = await log.last(event_filter(RunStarted, key=run_id))
    if started is None:
        raise CliError(f"the log has no run {run_id} any more", ExitCode.NOT_FOUND)
    kinds = [event for owner in OWNERS for event in events_of(owner)]
    found: list[Recorded[Event]] = []
    stream = read_batches(await session.js(), kinds, started.seq - 1, until_end=True, patience_s=_TAIL_S)
    async for batch, _ in stream:
        found += [one for one in batch if one.run_id == run_id]
        if any(isinstance(one.event, RunFinished) for one in found) and not any(one.run_id == run_id for one in batch):
            await stream.aclose()
            break
    return found


def _text(one: Recorded[Event]) -> str:
    detail = " ".join(f"{name}={clean(value)[:60]}" for name, value in _fields(one.event).items())
    at = one.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
    return f"{one.seq:>7} {at} {_kind(one.event).removeprefix('waymark.')} {detail}"


def _kind(event: Event) -> str:
    """The event's type; of one whose bytes cannot be read, the type that it says it has."""
    return event.event_type if isinstance(event, Unreadable) else event.type_name()


def _row(one: Recorded[Event]) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "id": one.id,
        "causation_id": one.causation_id,
        "time": one.time,
        "type": _kind(one.event),
        "key": one.event.key,
        "traceparent": one.traceparent,
        **_fields(one.event),
    }


def _fields(event: Event) -> dict[str, Any]:
    """The few fields that tell events of one kind apart."""
    found = {name: getattr(event, name, None) for name in _SHOWN_FIELDS}
    return {name: value for name, value in found.items() if isinstance(value, str | int) and value != ""}
