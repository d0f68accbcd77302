"""The one place that spells subjects and filters.

A filter with another number of tokens than the subjects matches nothing, and an expectation of "none yet" on it would
always hold; two spellings of one filter let two writers win. Therefore nobody else writes a subject by hand.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from contracts.event import Event

STREAM = "WAYMARK"
REQUESTS = "WAYMARK_REQUESTS"
TIMERS = "WAYMARK_TIMERS"
DEAD_LETTERS = "WAYMARK_DLQ"

NAMESPACE = UUID("8d1f0c9a-6b0e-5c55-9a7e-5b1f4e3c2d10")
"""Root of every derived id of the project."""

NO_ROUTE = "_"


def derived_id(kind: str, *parts: object) -> UUID:
    """The id that `kind` with these natural keys always has, e.g. `derived_id("device", serial)`."""
    return uuid5(NAMESPACE, "\x1f".join((kind, *map(str, parts))))


def event_subject(event: Event) -> str:
    route = event.route
    return f"waymark.{event.OWNER}.{event.NAME}.{event.key}.{NO_ROUTE if route is None else route}"


def event_filter(event: type[Event], *, key: UUID | None = None, route: UUID | None = None) -> str:
    """Every event of this class, or those of one key, of one route."""
    return f"waymark.{event.OWNER}.{event.NAME}.{'*' if key is None else key}.{'*' if route is None else route}"


def aggregate_filter(owner: str, key: UUID) -> str:
    """Everything that `owner` wrote under `key`."""
    return f"waymark.{owner}.*.{key}.*"


def timer_schedule_subject(owner: str, key: UUID, epoch: UUID) -> str:
    return f"waymark.timer.schedule.{owner}.{key}.{epoch}"


def timer_due_subject(owner: str, key: UUID, epoch: UUID) -> str:
    return f"waymark.timer.due.{owner}.{key}.{epoch}"


def timer_due_filter(owner: str) -> str:
    return f"waymark.timer.due.{owner}.*.*"


def request_subject(kind: str, user: str) -> str:
    return f"waymark.request.{kind}.{user}"


def request_answer_id(user: str, sequence: int, body: bytes) -> UUID:
    """Key of the answer to a request that names no id of its own: of one message, by its place in the stream."""
    return derived_id("request-answer", user, sequence, body[:4096])


def dead_letter_subject(service: str, kind: str) -> str:
    return f"waymark.dlq.{service}.{kind}"
