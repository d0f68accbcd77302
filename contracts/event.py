"""What an event is: a frozen model with owner, name and version, kept in a CloudEvents envelope.

An event class names the field that holds its aggregate's key, and the field of its route where it has one. Everything
else (its type, its subject, whether it needs a timer) follows from the class, so that no second place spells it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict

MAX_EVENT_BYTES = 256 * 1024
"""An encoded event is at most this long; longer lists are chunked within one batch, bytes go to the object store."""


class Event(BaseModel):
    """Something that happened. Writers forbid fields that the class does not have; readers ignore them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    OWNER: ClassVar[str]
    NAME: ClassVar[str]
    VERSION: ClassVar[int]
    KEY: ClassVar[str]
    ROUTE: ClassVar[str | None]
    DEADLINE: ClassVar[str | None]

    def __init_subclass__(
        cls,
        *,
        owner: str | None = None,
        key: str | None = None,
        route: str | None = None,
        deadline: str | None = None,
        version: int = 1,
        **kwargs: Any,
    ) -> None:
        """Registers the class; one without an owner is an abstract base."""
        super().__init_subclass__(**kwargs)
        if owner is None:
            return
        cls.OWNER, cls.NAME, cls.VERSION = owner, cls.__name__, version
        cls.KEY = key if key is not None else cls.KEY
        cls.ROUTE, cls.DEADLINE = route, deadline
        if (known := _REGISTRY.setdefault(cls.type_name(), cls)) is not cls:
            raise TypeError(f"{cls.type_name()} is defined twice: {known.__module__} and {cls.__module__}")

    @classmethod
    def type_name(cls) -> str:
        """CloudEvents `type`, e.g. `waymark.orchestrator.RunStarted.v1`."""
        return f"waymark.{cls.OWNER}.{cls.NAME}.v{cls.VERSION}"

    @property
    def key(self) -> UUID:
        return cast("UUID", getattr(self, self.KEY))

    @property
    def route(self) -> UUID | None:
        return None if self.ROUTE is None else cast("UUID | None", getattr(self, self.ROUTE))

    @property
    def due_at(self) -> datetime | None:
        """When a timer has to fire for this event, if at all."""
        return None if self.DEADLINE is None else cast("datetime | None", getattr(self, self.DEADLINE))


class SnapshotEvent(Event):
    """State of a long-lived aggregate after its event number `events`: part `part` of `parts` of its JSON.

    Each owner has a class of its own. A snapshot is never removed; what lies before the last one need not be read.
    """

    aggregate_key: UUID
    aggregate: str
    events: int
    part: int
    parts: int
    state: str

    KEY: ClassVar[str] = "aggregate_key"


class ReceiptEvent(Event):
    """Says that `reactor` has decided on trigger `trigger_id`. Its key is derived from both, so it exists once."""

    receipt_id: UUID
    reactor: str
    trigger_id: UUID

    KEY: ClassVar[str] = "receipt_id"


_REGISTRY: dict[str, type[Event]] = {}


def event_types() -> dict[str, type[Event]]:
    """Every known event class by its type name. Complete once `contracts.catalogue` is imported."""
    return dict(_REGISTRY)


def event_type(name: str) -> type[Event] | None:
    return _REGISTRY.get(name)
