"""The AsyncAPI 3.0.0 document: which messages exist on which subjects, and which service sends or receives them.

A channel is a subject pattern; `{parameters}` are its variable tokens. Payloads refer to the schemas beside it.
Source: AsyncAPI specification 3.0.0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any
from uuid import UUID

from contracts import topology
from contracts.catalogue import OWNERS, events_of
from contracts.envelope import CONTENT_TYPE
from contracts.event import Event
from contracts.readers import PROJECTED, VIEWED
from contracts.requests import REQUEST_KINDS
from contracts.subjects import DEAD_LETTERS, REQUESTS, STREAM, TIMERS
from contracts.topology import Durable

_UUID = "A UUID."
_JSON = "application/json"
_LETTER_KINDS = ("request", "trigger")

_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_ID = {"type": "string", "format": "uuid"}

TIMER_FIELDS: dict[str, dict[str, Any]] = {
    "owner": _TEXT,
    "key": _ID,
    "epoch": _ID,
    "event_type": _TEXT,
    "due_at": _TIME,
    "run_id": {"type": ["string", "null"], "format": "uuid"},
    "traceparent": {"type": ["string", "null"]},
}
LETTER_FIELDS: dict[str, dict[str, Any]] = {
    "service": _TEXT,
    "consumer": _TEXT,
    "stream": _TEXT,
    "subject": _TEXT,
    "sequence": {"type": "integer"},
    "reason": _TEXT,
    "stack": {"type": ["string", "null"]},
    "body_base64": {"type": "string", "contentEncoding": "base64"},
    "body_bytes": {"type": ["integer", "null"]},
    "headers": {"type": "object", "additionalProperties": _TEXT},
    "died_at": _TIME,
}
"""Fields of the runtime's own messages; the models are in `services.runtime`, which contracts do not know."""


def asyncapi_document() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Waymark",
            "version": version("waymark"),
            "description": "Events, requests, timers and dead letters of Waymark. All of them are messages of NATS"
            " JetStream; the log of events is the only truth.",
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats", "description": "WAYMARK_NATS_URL"}},
        "channels": dict(_channels()),
        "operations": dict(_operations()),
        "components": {"messages": dict(_messages())},
    }


# --- channels ---------------------------------------------------------------------------------------------------------


def _channels() -> Iterator[tuple[str, dict[str, Any]]]:
    for owner in OWNERS:
        parameters = {
            "event": {"description": "Name of the event.", "enum": sorted({e.NAME for e in events_of(owner)})},
            "key": {"description": f"Key of the aggregate. {_UUID}"},
            "route": {"description": f"Whom a command is for: {_UUID} `_` where it is for nobody in particular."},
        }
        yield (
            owner,
            _channel(
                f"waymark.{owner}.{{event}}.{{key}}.{{route}}", STREAM, parameters, map(message_name, events_of(owner))
            ),
        )
    for kind in REQUEST_KINDS:
        parameters = {"user": {"description": "Who asks. NATS permissions make it true."}}
        yield (
            f"request.{kind}",
            _channel(f"waymark.request.{kind}.{{user}}", REQUESTS, parameters, [_request_name(kind)]),
        )
    for stage, what in (("schedule", "Waits for its time."), ("due", "Its time has come.")):
        yield (
            f"timer.{stage}",
            _channel(
                f"waymark.timer.{stage}.{{owner}}.{{key}}.{{epoch}}",
                TIMERS,
                {
                    "owner": {"description": "Owner of the event that has a deadline.", "enum": _timed_owners()},
                    "key": {"description": f"Key of its aggregate. {_UUID}"},
                    "epoch": {"description": f"Id of the event: whoever went on since then ignores the timer. {_UUID}"},
                },
                ["timer"],
                what,
            ),
        )
    parameters = {
        "service": {"description": "Service that could not handle the message.", "enum": sorted(map(_service, OWNERS))},
        "kind": {"description": "What it was.", "enum": list(_LETTER_KINDS)},
    }
    yield "dead_letters", _channel("waymark.dlq.{service}.{kind}", DEAD_LETTERS, parameters, ["dead_letter"])


def _channel(
    address: str, stream: str, parameters: dict[str, Any], messages: Iterable[str], description: str = ""
) -> dict[str, Any]:
    return {
        "address": address,
        "description": f"{description} JetStream stream {stream}.".strip(),
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _timed_owners() -> list[str]:
    return [owner for owner in OWNERS if topology.timer_setter(owner) is not None]


# --- operations -------------------------------------------------------------------------------------------------------


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for owner in OWNERS:
        service = _service(owner)
        yield f"{service}.appends", _operation("send", owner, map(message_name, events_of(owner)), service)
        for durable in durables_of(owner):
            yield from _receptions(durable.name, durable.events, service, f"Durable consumer {durable.name}.")
        projected = PROJECTED.get(owner, ())
        yield from _receptions(f"{service}.projects", projected, service, f"Folded into the tables of {owner}.")
        viewed = VIEWED.get(owner, ())
        yield from _receptions(f"{service}.views", viewed, service, "The last one under each key is kept.")
        yield f"{service}.buries", _operation("send", "dead_letters", ["dead_letter"], service)
    for owner in _timed_owners():
        service = _service(owner)
        yield f"{service}.schedules", _operation("send", "timer.schedule", ["timer"], service)
        yield f"{service}-timers", _operation("receive", "timer.due", ["timer"], service)
    for durable in (d for d in topology.durables() if d.stream == REQUESTS):
        service = next(name for name in map(_service, OWNERS) if durable.name.startswith(f"{name}-"))
        for kind in sorted(subject.split(".")[2] for subject in durable.filters):
            name = f"{durable.name}.{kind}"
            yield name, _operation("receive", f"request.{kind}", [_request_name(kind)], service)


def _receptions(
    name: str, events: Iterable[type[Event]], service: str, summary: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """An operation refers to one channel: what is read of several owners is several operations."""
    by_owner: dict[str, list[str]] = defaultdict(list)
    for event in events:
        by_owner[event.OWNER].append(message_name(event))
    for owner, names in sorted(by_owner.items()):
        yield f"{name}.{owner}", _operation("receive", owner, sorted(names), service, summary)


def _operation(
    action: str, channel: str, messages: Iterable[str], service: str, summary: str | None = None
) -> dict[str, Any]:
    operation = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "tags": [{"name": service}],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
    return operation if summary is None else {**operation, "summary": summary}


def durables_of(owner: str) -> list[Durable]:
    """Durables of the log that a service reads. A phone's commands have a durable each."""
    prefix = f"{_service(owner)}-"
    found = [d for d in topology.durables() if d.stream == STREAM and d.name.startswith(prefix)]
    if owner != "device_agent":
        return found
    commands = topology.device_reader(_ANY_DEVICE)
    return [*found, Durable("device-agent-device", STREAM, commands.filters, commands.events)]


_ANY_DEVICE = UUID(int=0)


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages() -> Iterator[tuple[str, dict[str, Any]]]:
    for owner in OWNERS:
        for event in events_of(owner):
            yield message_name(event), _event_message(event)
    for kind in REQUEST_KINDS:
        yield (
            _request_name(kind),
            {
                "name": _request_name(kind),
                "contentType": _JSON,
                "summary": "Bare JSON as people publish it, no envelope.",
                "payload": {"$ref": f"./schemas/requests/{kind}.json"},
            },
        )
    yield "timer", _inline("timer", "A deadline, and the event that set it.", TIMER_FIELDS)
    yield "dead_letter", _inline("dead_letter", "A message as it came, and why it could not be handled.", LETTER_FIELDS)


def _event_message(event: type[Event]) -> dict[str, Any]:
    schema = f"waymark/{event.OWNER}/{event.NAME}.v{event.VERSION}.json"
    payload = {
        "allOf": [
            {"$ref": "./schemas/envelope.json"},
            {
                "properties": {
                    "type": {"const": event.type_name()},
                    "dataschema": {"const": schema},
                    "data": {"$ref": f"./schemas/{schema.removeprefix('waymark/')}"},
                }
            },
        ]
    }
    return {
        "name": event.type_name(),
        "title": event.NAME,
        "summary": summary_of(event),
        "contentType": CONTENT_TYPE,
        "payload": payload,
    }


def summary_of(event: type[Event]) -> str:
    """First paragraph of what the class says of itself."""
    return " ".join((event.__doc__ or event.NAME).strip().split("\n\n")[0].split())


def _inline(name: str, summary: str, fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "contentType": _JSON,
        "summary": summary,
        "payload": {
            "type": "object",
            "properties": fields,
            "required": [name for name, schema in fields.items() if "null" not in schema["type"]],
        },
    }


def message_name(event: type[Event]) -> str:
    return f"{event.OWNER}.{event.NAME}.v{event.VERSION}"


def _request_name(kind: str) -> str:
    return f"request.{kind}"


def _service(owner: str) -> str:
    return owner.replace("_", "-")
