"""The AsyncAPI document is sound: every reference leads somewhere, every message is sent and every reader receives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.asyncapi import LETTER_FIELDS, TIMER_FIELDS, message_name
from contracts.catalogue import OWNERS
from contracts.generate import FOLDER
from contracts.requests import REQUEST_KINDS
from contracts.topology import durables
from services.runtime.dead_letters import DeadLetter
from services.runtime.timers import TimerFired
from tests.contracts.corpus import EVENT_TYPES

IDENTIFIER = re.compile(r"^[\w.-]+$")
"""What keys of channels, operations and messages may be. Source: AsyncAPI 3.0.0, "Components Object"."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "asyncapi.json").read_text(encoding="utf-8"))
    return loaded


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(document: dict[str, Any], reference: str) -> Any:
    if not reference.startswith("#/"):
        return json.loads((FOLDER / Path(reference)).read_text(encoding="utf-8"))
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_the_document_has_the_fields_that_the_specification_requires(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert all({"host", "protocol"} <= server.keys() for server in document["servers"].values())
    assert all(o["action"] in {"send", "receive"} and "channel" in o for o in document["operations"].values())
    for part in (document["channels"], document["operations"], document["components"]["messages"]):
        assert all(IDENTIFIER.match(name) for name in part)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert len(found) > 300
    for reference in found:
        assert resolve(document, reference)


def test_parameters_of_a_channel_are_those_of_its_address(document: dict[str, Any]) -> None:
    for channel in document["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == channel["parameters"].keys()


def test_an_operation_refers_to_messages_of_its_own_channel(document: dict[str, Any]) -> None:
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"]
        assert operation["messages"], name
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_every_event_is_sent_by_its_owner_alone(document: dict[str, Any]) -> None:
    senders: dict[str, set[str]] = {}
    for operation in document["operations"].values():
        if operation["action"] == "send":
            for message in operation["messages"]:
                senders.setdefault(message["$ref"].rpartition("/")[2], set()).add(operation["tags"][0]["name"])
    for cls in EVENT_TYPES:
        assert senders[message_name(cls)] == {cls.OWNER.replace("_", "-")}


def test_every_durable_is_an_operation(document: dict[str, Any]) -> None:
    received = [name for name, o in document["operations"].items() if o["action"] == "receive"]
    for durable in durables():
        assert any(name == durable.name or name.startswith(f"{durable.name}.") for name in received), durable.name


def test_channels_are_the_log_by_owner_requests_timers_and_dead_letters(document: dict[str, Any]) -> None:
    requests = {f"request.{kind}" for kind in REQUEST_KINDS}
    assert document["channels"].keys() == {*OWNERS, *requests, "timer.schedule", "timer.due", "dead_letters"}


def test_timers_and_dead_letters_have_the_fields_that_the_runtime_writes() -> None:
    assert TIMER_FIELDS.keys() == TimerFired.model_fields.keys()
    assert LETTER_FIELDS.keys() == DeadLetter.model_fields.keys()
