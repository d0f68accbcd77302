"""The envelope of an event on the wire: CloudEvents 1.0, structured JSON mode.

`causationid`, `runid` and `traceparent` are extension attributes. Source: CloudEvents 1.0.2 and its NATS binding.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.event import Event, event_type

CONTENT_TYPE = "application/cloudevents+json"


class UnknownEventError(Exception):
    """The type or version of an event is not known here. It is not poison: a newer writer, an older reader."""


class Envelope(BaseModel):
    """One event as it is kept. `subject` is the aggregate's key, `data` the event itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: UUID
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    traceparent: str | None = None
    causationid: UUID | None = None
    runid: UUID | None = None
    data: dict[str, Any]

    @classmethod
    def wrap(
        cls,
        event: Event,
        *,
        event_id: UUID,
        time: datetime,
        causation_id: UUID | None,
        run_id: UUID | None,
        traceparent: str | None,
    ) -> Envelope:
        return cls(
            id=event_id,
            source=f"/waymark/{event.OWNER}",
            type=event.type_name(),
            subject=event.key,
            time=time,
            dataschema=f"waymark/{event.OWNER}/{event.NAME}.v{event.VERSION}.json",
            traceparent=traceparent,
            causationid=causation_id,
            runid=run_id,
            data=event.model_dump(mode="json"),
        )

    def open(self) -> Event:
        """The event. Unknown fields are dropped. Raises `UnknownEventError`, or pydantic's `ValidationError`."""
        cls = event_type(self.type)
        if cls is None:
            raise UnknownEventError(f"{self.type}: deploy the reader of a new event or version before its writer")
        return cls.model_validate(self.data, extra="ignore")
