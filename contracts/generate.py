"""Writes what others read instead of Python: JSON Schemas of every event and request, and an AsyncAPI document.

`python -m contracts.generate` writes them, `--check` says whether they are what the classes say. The documents follow
from the classes alone, so that two machines write the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from contracts.asyncapi import asyncapi_document
from contracts.catalogue import OWNERS, events_of
from contracts.configs import ALERT_CHANNEL, LlmConfig
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.fleet_requests import FLEET_REQUEST
from contracts.requests import SCRIPT_REQUEST, TASK_REQUEST, AlertRequest, ConfigRequest, ControlRequest
from contracts.sealed import Sealed
from contracts.steps import SCRIPT

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_Adapter = TypeAdapter[Any]
REQUESTS: dict[str, _Adapter] = {
    "task": TASK_REQUEST,
    "control": TypeAdapter(ControlRequest),
    "alert": TypeAdapter(AlertRequest),
    "config": TypeAdapter(ConfigRequest),
    "fleet": FLEET_REQUEST,
    "script": SCRIPT_REQUEST,
}
CONFIGS: dict[str, _Adapter] = {"ALERT_CHANNEL": ALERT_CHANNEL, "LLM": TypeAdapter(LlmConfig)}


def documents() -> dict[str, str]:
    """Every generated file, by its path below `contracts/`."""
    schemas = dict(_schemas())
    return {path: _text(document) for path, document in {**schemas, "asyncapi.json": asyncapi_document()}.items()}


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "schemas/envelope.json", _schema("waymark/envelope.json", TypeAdapter(Envelope), "serialization")
    yield "schemas/steps.json", _schema("waymark/steps.json", SCRIPT, "validation")
    for owner in OWNERS:
        for event in events_of(owner):
            name = f"{owner}/{event.NAME}.v{event.VERSION}.json"
            yield f"schemas/{name}", event_schema(event)
    for kind, adapter in REQUESTS.items():
        yield f"schemas/requests/{kind}.json", _schema(f"waymark/requests/{kind}.json", adapter, "validation")
    for config_type, adapter in CONFIGS.items():
        name = f"{config_type}.json"
        yield f"schemas/configs/{name}", _schema(f"waymark/configs/{name}", adapter, "validation")


def event_schema(event: type[Event]) -> dict[str, Any]:
    """Schema of an event's `data` as a reader may rely on it: fields that are added later do not break it.

    Writers are stricter: their classes forbid what they do not have.
    """
    schema_id = f"waymark/{event.OWNER}/{event.NAME}.v{event.VERSION}.json"
    schema: dict[str, Any] = _open(_schema(schema_id, TypeAdapter(event), "serialization"))
    return schema


def _schema(schema_id: str, adapter: _Adapter, mode: Literal["serialization", "validation"]) -> dict[str, Any]:
    schema = adapter.json_schema(mode=mode)
    for name, definition in schema.get("$defs", {}).items():
        if name.startswith(f"{Sealed.__name__}_"):
            definition["properties"]["clear"] = {"type": "null", "description": "Never kept: see `cipher`."}
    return {"$schema": DIALECT, "$id": schema_id, **schema}


def _open(schema: Any) -> Any:
    """Without `additionalProperties: false`, at any depth."""
    match schema:
        case dict():
            kept = {k: v for k, v in schema.items() if not (k == "additionalProperties" and v is False)}
            return {k: _open(v) for k, v in kept.items()}
        case list():
            return [_open(item) for item in schema]
        case _:
            return schema


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path = FOLDER) -> list[str]:
    """Files that are not what the classes say: changed, missing, or of something that is gone."""
    wanted = documents()
    kept = {str(path.relative_to(folder)) for path in (folder / "schemas").rglob("*.json")}
    changed = {name for name, text in wanted.items() if not (folder / name).is_file() or _read(folder / name) != text}
    return sorted(changed | (kept - wanted.keys()))


def write(folder: Path = FOLDER) -> list[str]:
    """Brings the files up to date; the names of those that changed."""
    names, wanted = stale(folder), documents()
    for name in names:
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return names


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where a file is not current")
    if not parser.parse_args().check:
        names = write()
        sys.stdout.write("".join(f"contracts/{name}\n" for name in names) or "Everything is current.\n")
        return 0
    if names := stale():
        sys.stderr.write("".join(f"contracts/{name} is not current\n" for name in names) + "Run `make contracts`.\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
