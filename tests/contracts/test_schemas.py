"""The committed schemas are those of the classes, and say what readers and writers do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from contracts.event import Event
from contracts.generate import FOLDER, documents, stale, write
from contracts.requests import REQUEST_KINDS
from tests.contracts.corpus import EVENT_TYPES, examples

TASK = {"kind": "explore", "app": "com.example.shop"}


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "schemas" / name).read_text(encoding="utf-8"))
    return loaded


def schema_of(cls: type[Event]) -> dict[str, Any]:
    return schema(f"{cls.OWNER}/{cls.NAME}.v{cls.VERSION}.json")


def test_committed_documents_are_those_of_the_classes() -> None:
    assert stale() == [], "run `make contracts` and commit what changed"


def test_documents_are_the_same_bytes_each_time() -> None:
    assert documents() == documents()


@pytest.mark.thorough
def test_writing_repairs_what_changed_and_removes_what_is_gone(tmp_path: Path) -> None:
    write(tmp_path)
    assert stale(tmp_path) == []
    (tmp_path / "schemas" / "envelope.json").write_text("{}")
    (tmp_path / "schemas" / "gone.json").write_text("{}")
    assert stale(tmp_path) == ["schemas/envelope.json", "schemas/gone.json"]
    assert write(tmp_path) == ["schemas/envelope.json", "schemas/gone.json"]
    assert stale(tmp_path) == []


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.type_name())
def test_a_schema_has_the_name_that_events_give_as_dataschema(cls: type[Event]) -> None:
    for line in (line for _, _, line in examples() if json.loads(line)["type"] == cls.type_name()):
        assert json.loads(line)["dataschema"] == schema_of(cls)["$id"]


def test_every_example_fits_its_schema_and_the_envelope() -> None:
    envelope = Draft202012Validator(schema("envelope.json"))
    for _, _, line in examples():
        kept = json.loads(line)
        envelope.validate(kept)
        Draft202012Validator(schema(kept["dataschema"].removeprefix("waymark/"))).validate(kept["data"])


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.type_name())
def test_a_schema_refuses_an_event_without_its_key(cls: type[Event]) -> None:
    kept = next(json.loads(line) for _, _, line in examples() if json.loads(line)["type"] == cls.type_name())
    without = {name: value for name, value in kept["data"].items() if name != cls.KEY}
    with pytest.raises(jsonschema.ValidationError):
        Draft202012Validator(schema_of(cls)).validate(without)


def test_event_schemas_leave_room_for_later_fields_and_request_schemas_do_not() -> None:
    for cls in EVENT_TYPES:
        assert not list(closed(schema_of(cls)))
    for kind in REQUEST_KINDS:
        assert list(closed(schema(f"requests/{kind}.json")))


def closed(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("additionalProperties") is False:
            yield value
        for inner in value.values():
            yield from closed(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from closed(inner)


def test_a_clear_value_in_a_sealed_field_does_not_fit_the_schema() -> None:
    cls = next(cls for cls in EVENT_TYPES if cls.NAME == "CallFinished")
    kept = next(json.loads(line) for _, _, line in examples() if json.loads(line)["type"] == cls.type_name())
    leaked = {**kept["data"], "request_payload": {**kept["data"]["request_payload"], "clear": {"goal": "x"}}}
    with pytest.raises(jsonschema.ValidationError):
        Draft202012Validator(schema_of(cls)).validate(leaked)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("task", TASK, {**TASK, "ap": "typing error"}),
        ("control", {"kind": "stop", "task": "8d1f0c9a-6b0e-5c55-9a7e-5b1f4e3c2d10"}, {"kind": "stop"}),
        ("alert", {"kind": "ack", "alert": "8d1f0c9a-6b0e-5c55-9a7e-5b1f4e3c2d10"}, {"kind": "forget"}),
        (
            "config",
            {"kind": "set", "config_type": "LLM", "name": "main", "secret_ref": "env:KEY", "config": {}},
            {"kind": "set", "config_type": "LLM", "name": "main", "secret_ref": "the key itself", "config": {}},
        ),
    ],
)
def test_request_schemas_tell_good_from_bad(kind: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    validator = Draft202012Validator(schema(f"requests/{kind}.json"))
    validator.validate(good)
    assert not validator.is_valid(bad)
