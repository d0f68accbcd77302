"""Examples of events from their classes alone, equal for the same seed; and the golden corpus that they began.

`python -m tests.contracts.building` writes examples for event types that have none, and never touches one that is
there: what is committed is history, and stays as the log once held it.
"""

from __future__ import annotations

import asyncio
import random
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from contracts.catalogue import OWNERS, events_of
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.orchestrator import RunEnding, RunFinished
from contracts.scripts import FORMAT, Parameter, ScriptData, ScriptStep
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import AccountRef, Await, PressKey, RunStatus, Swipe, Target, Touch, TypeInto
from services.runtime.log import Cause, derive_event_id
from services.runtime.sealing import Sealer

GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"
BEGAN = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TEXTS = {
    "packages": "com.example.payments",
    "package": "com.example.shop",
    "serial": "emulator-5554",
    "version_name": "1.2.0",
    "base_version": "1.1.0",
    "target_version": "1.2.0",
    "orchestrator_version": "0.1.0",
    "user": "alice",
    "account": "alice",
    "display_name": "Alice",
    "message": "com.example.shop 1.2.0 crashed: java.lang.IllegalStateException: 购物车为空",
    "label": "登录",
    "activity": "com.example.shop.MainActivity",
    "screen_name": "登录",
    "resource_id": "com.example.shop:id/login",
    "element_type": "android.widget.Button",
    "locator_value": "com.example.shop:id/login",
    "target": "https://hooks.example.com/open-apis/bot/v2/hook/***",
    "key": f"9f/{_DIGEST}.png",
    "sha256": _DIGEST,
    "signature": _DIGEST,
    "dom_hash": _DIGEST,
    "resolution": "1080x2400",
    "secret_ref": "env:WAYMARK_MODEL_KEY",
    "kind": "explore",
    "screenshot_path": f"9f/{_DIGEST}.png",
    "dom_path": f"9f/{_DIGEST}.xml",
    "state": '{"phones": {}}',
    "name": "登录",
}
_NUMBERS = {
    "priority": 3,
    "max_steps": 200,
    "max_duration_s": 600,
    "step_timeout_s": 30,
    "api_level": 33,
    "rotation": 0,
    "part": 0,
    "parts": 1,
}
_FIXED: dict[type[BaseModel], dict[str, Any]] = {
    RunEnding: {"status": RunStatus.SUCCEEDED},
    RunFinished: {"status": RunStatus.SUCCEEDED},
    AccountRef: {"secrets": {"password": "env:SHOP_PASSWORD"}},
    Target: {"text": "登录", "id": "login", "xpath": None, "uiselector": None, "point": None},
    Await: {"wait_s": 2.0},
    Swipe: {"wait_s": 5.0, "duration_ms": 300},
    Touch: {"wait_s": 5.0},
    TypeInto: {"wait_s": 5.0},
    PressKey: {"wait_s": 2.0},
    ScriptStep: {"step": {"tap": "id=login"}, "wait_s": 10.0},
    ScriptData: {
        "format": FORMAT,
        "app": "com.example.shop",
        "steps": ({"step": {"tap": "id=login"}, "words": "tap id=login"},),
    },
    Parameter: {"name": "query"},
}
"""What a class would take and no writer would write, or would not take: a run does not end as RUNNING, a target has one
xpath or an id, but not both."""
_DECIMALS = ("score", "success_rate", "cost", "estimate", "used", "limit", "percent")


class _NoKeys:
    """One key for everything: the examples are not secret."""

    async def get(self, key_id: str) -> bytes | None:
        return bytes(range(32))

    async def create(self, key_id: str) -> bytes:
        return bytes(range(32))


@dataclass
class Builder:
    """Builds values by annotation. `variant` chooses among the members of unions and enumerations; a `least` example
    has required fields only."""

    seed: int
    variant: int = 0
    least: bool = False

    def model(self, cls: type[BaseModel], path: str = "") -> Any:
        fixed = _FIXED.get(cls, {})
        values = {
            name: self.value(field.rebuild_annotation(), f"{path}/{name}")
            for name, field in cls.model_fields.items()
            if name not in fixed and not (self.least and not field.is_required())
        }
        return cls.model_validate(values | fixed)

    def value(self, annotation: Any, path: str) -> Any:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.value(arguments[0], path)
        if origin in {Union, types.UnionType}:
            return self._member(arguments, path)
        if origin is Literal:
            return arguments[self.variant % len(arguments)]
        if origin is tuple:
            return self._tuple(arguments, path)
        if origin is dict:
            return {self.value(arguments[0], f"{path}/name"): self.value(arguments[1], f"{path}/value")}
        if isinstance(annotation, type) and issubclass(annotation, Sealed):
            inner = annotation.__pydantic_generic_metadata__["args"][0]
            return annotation.of(self.value(inner, path))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self.model(annotation, path)
        return self._plain(annotation, path)

    def _member(self, members: tuple[Any, ...], path: str) -> Any:
        wanted = [m for m in _flat(members) if m is not type(None)]
        if self.least and len(wanted) < len(members):
            return None
        return self.value(wanted[self.variant % len(wanted)], path)

    def _tuple(self, arguments: tuple[Any, ...], path: str) -> tuple[Any, ...]:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return () if self.least else (self.value(arguments[0], path),)
        return tuple(self.value(argument, f"{path}_{i}") for i, argument in enumerate(arguments))

    def _plain(self, annotation: Any, path: str) -> Any:
        name = path.rpartition("/")[2]
        chance = random.Random(f"{self.seed}:{path}")
        match annotation:
            case _ if isinstance(annotation, type) and issubclass(annotation, Enum):
                members = list(annotation)
                return members[self.variant % len(members)]
            case _ if annotation is UUID:
                return derived_id("example", self.seed, name)
            case _ if annotation is bool:
                return not self.least and self.variant % 2 == 0
            case _ if annotation is int:
                return _NUMBERS.get(name, chance.randint(1, 90))
            case _ if annotation is float:
                return chance.randint(1, 400) / 4
            case _ if annotation is Decimal:
                return Decimal("0.500")
            case _ if annotation is datetime:
                return BEGAN + timedelta(milliseconds=chance.randint(0, 60_000))
            case _ if annotation is str:
                return self._text(name, chance)
            case _ if annotation is Any:
                return f"{name} {chance.randint(1, 99)}"
            case _:
                raise TypeError(f"{path}: no example of {annotation}; teach tests/contracts/building.py one")

    def _text(self, name: str, chance: random.Random) -> str:
        if any(name.startswith(word) or name.endswith(word) for word in _DECIMALS):
            return f"0.{chance.randint(100, 999)}"
        return _TEXTS.get(name, f"{name}-{chance.randint(1, 99)}")


def variants_of(cls: type[Event]) -> int:
    """How many full examples show every member of the widest union of models below a class."""
    return max((len(models) for models in _unions(cls, set())), default=1)


def _unions(cls: type[BaseModel], seen: set[type]) -> Iterator[list[type]]:
    if cls in seen:
        return
    seen.add(cls)
    for field in cls.model_fields.values():
        pending = [field.rebuild_annotation()]
        while pending:
            annotation = pending.pop()
            arguments = get_args(annotation)
            if get_origin(annotation) in {Union, types.UnionType}:
                yield [a for a in _flat(arguments) if isinstance(a, type) and issubclass(a, BaseModel)] or [cls]
            pending += arguments
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from _unions(annotation, seen)


def _flat(members: Iterable[Any]) -> Iterator[Any]:
    """Members of a union, those of the unions in it included."""
    for member in members:
        inner = get_args(member)[0] if get_origin(member) is Annotated else member
        if get_origin(inner) in {Union, types.UnionType}:
            yield from _flat(get_args(inner))
        else:
            yield member


def examples_of(cls: type[Event], seed: int = 1) -> list[Event]:
    """One example with required fields only, then full ones, clear as before they are written."""
    full = [Builder(seed, variant).model(cls) for variant in range(variants_of(cls))]
    return [Builder(seed, least=True).model(cls), *full]


async def as_kept(event: Event, number: int) -> str:
    """The line that the log would hold: the event sealed, in its envelope, with the ids that an append derives."""
    cause = Cause(derived_id("example", event.type_name()), "example", None, None)
    run_id = getattr(event, "run_id", None)
    sealed = await Sealer(_NoKeys()).seal(event, key_id=run_id or event.key)
    envelope = Envelope.wrap(
        sealed,
        event_id=derive_event_id(cause, number),
        time=BEGAN,
        causation_id=cause.id,
        run_id=run_id,
        traceparent=None if run_id is None else f"00-{run_id.hex}-00f067aa0ba902b7-01",
    )
    return envelope.model_dump_json()


def golden_path(cls: type[Event]) -> Path:
    return GOLDEN / cls.OWNER / f"{cls.NAME}.v{cls.VERSION}.jsonl"


async def write_missing() -> list[Path]:
    """Begins the history of event types that have none."""
    written = []
    for cls in (cls for owner in OWNERS for cls in events_of(owner)):
        path = golden_path(cls)
        if path.exists():
            continue
        lines = [await as_kept(event, number) for number, event in enumerate(examples_of(cls))]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for begun in asyncio.run(write_missing()):
        sys.stdout.write(f"{begun}\n")
