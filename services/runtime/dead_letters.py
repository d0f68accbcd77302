"""Dead letters: messages that nobody can understand, kept with their bytes and the reason until somebody decides."""

from __future__ import annotations

import base64
import traceback
from datetime import datetime

from nats.js import JetStreamContext
from pydantic import BaseModel

from contracts.subjects import DEAD_LETTERS, dead_letter_subject
from services.runtime.telemetry import DEAD

_KEPT_BODY_BYTES = 512 * 1024
_KEPT_TEXT_CHARS = 16_000


class DeadLetter(BaseModel):
    """One message as it came, and why it could not be handled. Of a body that NATS would not take beside all this, the
    beginning is kept; the whole of it lies at `sequence` of `stream`, and `body_bytes` is its size."""

    service: str
    consumer: str
    stream: str
    subject: str
    sequence: int
    reason: str
    stack: str | None
    body_base64: str
    body_bytes: int | None = None
    headers: dict[str, str]
    died_at: datetime

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.body_base64)

    @property
    def whole(self) -> bool:
        """Whether `body` is all of the message's bytes."""
        return self.body_bytes is None or len(self.body) == self.body_bytes


class DeadLetters:
    """Appends to the stream of dead letters; the same message and consumer give one letter."""

    def __init__(self, js: JetStreamContext, service: str, *, timeout_s: float = 5.0) -> None:
        self._js = js
        self._service = service
        self._timeout_s = timeout_s

    async def bury(
        self,
        *,
        kind: str,
        consumer: str,
        stream: str,
        subject: str,
        sequence: int,
        reason: str,
        error: BaseException | None,
        body: bytes,
        headers: dict[str, str],
        now: datetime,
    ) -> None:
        letter = DeadLetter(
            service=self._service,
            consumer=consumer,
            stream=stream,
            subject=subject,
            sequence=sequence,
            reason=reason[:_KEPT_TEXT_CHARS],
            stack=None if error is None else "".join(traceback.format_exception(error))[-_KEPT_TEXT_CHARS:],
            body_base64=base64.b64encode(body[:_KEPT_BODY_BYTES]).decode(),
            body_bytes=len(body),
            headers=headers,
            died_at=now,
        )
        await self._js.publish(
            dead_letter_subject(self._service, kind),
            letter.model_dump_json().encode(),
            stream=DEAD_LETTERS,
            timeout=self._timeout_s,
            headers={"Nats-Msg-Id": f"{consumer}:{stream}:{sequence}"},
        )
        DEAD.labels(self._service, kind).inc()
