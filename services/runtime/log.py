"""The log: events appended with an expectation, aggregates read back. The only module that writes to the stream.

An append names, for each aggregate it touches, the last sequence that it knows of it (0: none yet). NATS accepts the
whole batch or nothing of it, so an append either finds the world as its decision saw it, or is a `ConflictError`.
Source: NATS JetStream `Nats-Expected-Last-Subject-Sequence(-Subject)` and atomic batch publish (ADR-50).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID, uuid4, uuid5

from nats.aio.client import Client
from nats.errors import NoRespondersError

from contracts.envelope import Envelope
from contracts.event import MAX_EVENT_BYTES, Event
from contracts.subjects import STREAM, aggregate_filter, event_subject
from services.runtime.sealing import Sealer
from services.runtime.telemetry import traceparent_in_run

E_co = TypeVar("E_co", bound=Event, covariant=True)

_CONFLICT_CODES = {10071, 10164}
_RETRY_CODES = {10176, 10210}
"""A batch of which a part was lost on the way, or was refused because too many are in flight: nothing is stored."""
_BATCHES_IN_FLIGHT = 8
_BATCH_LIMIT = 1000
_READ_BATCH = 500


class ConflictError(Exception):
    """Somebody else appended to one of the aggregates first. Load again from the leader and decide again."""


class UnknownOutcomeError(Exception):
    """The server did not answer, or cannot for now. An append may have happened: load again and look for its
    causation."""


class TooLargeError(Exception):
    """An event exceeds what the log takes. It belongs in the object store, or in chunks."""


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E_co]):
    """An event with its place in the log."""

    seq: int
    id: UUID
    time: datetime
    causation_id: UUID | None
    run_id: UUID | None
    traceparent: str | None
    event: E_co


@dataclass(frozen=True, slots=True)
class Write:
    """Events of one aggregate to append, expecting `after` as the last sequence under its key (0: none yet)."""

    owner: str
    key: UUID
    after: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Where an append comes from: ids of its events are derived from `id`, so a decision taken twice is the same.

    `step` is the step at which the run `run_id` is, where that is known: it says which trace the events are in.
    """

    id: UUID
    decider: str
    run_id: UUID | None
    traceparent: str | None
    step: int | None = None

    def at_step(self, step: str) -> Cause:
        return replace(self, decider=self.decider + step)


class Log:
    """The stream `WAYMARK`, through one NATS connection. Every request has `timeout_s`."""

    def __init__(self, nats: Client, sealer: Sealer, *, timeout_s: float = 5.0) -> None:
        self._nats = nats
        self._sealer = sealer
        self._timeout_s = timeout_s
        self._batches = asyncio.Semaphore(_BATCHES_IN_FLIGHT)

    async def append(self, writes: Sequence[Write], cause: Cause, now: datetime) -> list[Recorded[Event]]:
        """Appends all events or none; returns them with their sequences.

        Raises `ConflictError`, `UnknownOutcomeError` (no answer), `TooLargeError`.
        """
        events: list[Event] = []
        envelopes: list[Envelope] = []
        headers: list[dict[str, str]] = []
        for write in writes:
            for position, event in enumerate(write.events):
                sealed, envelope = await self._wrap(event, cause, now, len(envelopes))
                events.append(sealed)
                envelopes.append(envelope)
                headers.append(_expectation(write) if position == 0 else {})
        if not envelopes:
            return []
        subjects = [event_subject(event) for event in events]
        payloads = [_encode(envelope) for envelope in envelopes]
        if len(payloads) == 1:
            last = await self._commit(subjects[0], payloads[0], headers[0])
        else:
            last = await self._append_batch(subjects, payloads, headers)
        first = last - len(payloads) + 1
        return [_recorded(first + i, env, event) for i, (env, event) in enumerate(zip(envelopes, events, strict=True))]

    async def read(self, owner: str, key: UUID, *, after: int = 0, from_leader: bool = False) -> list[Recorded[Event]]:
        """Events of one aggregate behind sequence `after`, oldest first. `from_leader`: surely all acknowledged ones;
        otherwise any replica of the stream may answer, and lag."""
        subject_filter = aggregate_filter(owner, key)
        if from_leader:
            return await self._read_from_leader(subject_filter, after)
        events: list[Recorded[Event]] = []
        while True:
            batch, more = await self._direct_batch(subject_filter, after)
            events += batch
            if not more:
                return events
            after = batch[-1].seq

    async def exists(self, owner: str, key: UUID) -> bool:
        """Whether there is any event under this key, asked of the stream's leader."""
        return await self._get({"seq": 1, "next_by_subj": aggregate_filter(owner, key)}) is not None

    async def last(self, subject: str) -> Recorded[Event] | None:
        """The last event under exactly this subject (or filter), asked of the stream's leader."""
        return await self._get({"last_by_subj": subject})

    async def at(self, seq: int) -> Recorded[Event] | None:
        """The event with this sequence, asked of the stream's leader."""
        return await self._get({"seq": seq})

    async def _wrap(self, event: Event, cause: Cause, now: datetime, position: int) -> tuple[Event, Envelope]:
        """The event with its sealed fields closed (and still readable in memory), and its envelope."""
        run_id = getattr(event, "run_id", None) or cause.run_id
        step = getattr(event, "sequence", cause.step if run_id == cause.run_id else None)
        sealed = await self._sealer.seal(event, key_id=run_id or event.key)
        return sealed, Envelope.wrap(
            sealed,
            event_id=derive_event_id(cause, position),
            time=now,
            causation_id=cause.id,
            run_id=run_id,
            traceparent=traceparent_in_run(cause.traceparent, run_id, step=step, from_run=cause.run_id),
        )

    async def _append_batch(self, subjects: list[str], payloads: list[bytes], headers: list[dict[str, str]]) -> int:
        if len(payloads) > _BATCH_LIMIT:
            raise TooLargeError(f"{len(payloads)} events in one batch; {_BATCH_LIMIT} is the most")
        async with self._batches:
            batch_id = uuid4().hex
            for number, (subject, payload, header) in enumerate(zip(subjects, payloads, headers, strict=True), 1):
                header |= {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
                if number < len(payloads):
                    await self._nats.publish(subject, payload, headers=header)
            return await self._commit(subjects[-1], payloads[-1], headers[-1] | {"Nats-Batch-Commit": "1"})

    async def _commit(self, subject: str, payload: bytes, headers: dict[str, str]) -> int:
        try:
            answer = await self._nats.request(subject, payload, timeout=self._timeout_s, headers=headers)
        except (TimeoutError, NoRespondersError) as gone:
            raise UnknownOutcomeError(f"no answer to an append under {subject} within {self._timeout_s} s") from gone
        ack = json.loads(answer.data)
        error = ack.get("error")
        if error is None:
            return int(ack["seq"])
        if error.get("err_code") in _CONFLICT_CODES:
            raise ConflictError(f"{subject}: {error.get('description')}")
        if error.get("err_code") in _RETRY_CODES or error.get("code", 0) >= 500:
            raise UnknownOutcomeError(f"{subject}: the log takes no append for now: {error.get('description')}")
        raise RuntimeError(f"{subject}: the log refused an append: {error}")

    async def _direct_batch(self, subject_filter: str, after: int) -> tuple[list[Recorded[Event]], bool]:
        inbox = self._nats.new_inbox()
        subscription = await self._nats.subscribe(inbox)
        events: list[Recorded[Event]] = []
        try:
            request = {"batch": _READ_BATCH, "seq": after + 1, "next_by_subj": subject_filter}
            await self._nats.publish(f"$JS.API.DIRECT.GET.{STREAM}", json.dumps(request).encode(), reply=inbox)
            while True:
                message = await subscription.next_msg(timeout=self._timeout_s)
                headers = message.headers or {}
                status = headers.get("Status")
                if status == "404":
                    return events, False
                if status == "204":
                    return events, int(headers["Nats-Num-Pending"]) > 0
                if status is not None:
                    raise UnknownOutcomeError(f"the log cannot be read for now (status {status})")
                events.append(await self._decode(int(headers["Nats-Sequence"]), message.data))
        except TimeoutError as late:
            raise UnknownOutcomeError(f"the log did not answer a read of {subject_filter}") from late
        finally:
            await subscription.unsubscribe()

    async def _read_from_leader(self, subject_filter: str, after: int) -> list[Recorded[Event]]:
        events: list[Recorded[Event]] = []
        while (found := await self._get({"seq": after + 1, "next_by_subj": subject_filter})) is not None:
            events.append(found)
            after = found.seq
        return events

    async def _get(self, request: dict[str, object]) -> Recorded[Event] | None:
        try:
            answer = await self._nats.request(
                f"$JS.API.STREAM.MSG.GET.{STREAM}", json.dumps(request).encode(), timeout=self._timeout_s
            )
        except (TimeoutError, NoRespondersError) as gone:
            raise UnknownOutcomeError("the stream's leader did not answer a read") from gone
        body = json.loads(answer.data)
        if (error := body.get("error")) is not None:
            if error.get("code") == 404:
                return None
            if error.get("code", 0) >= 500:
                raise UnknownOutcomeError(f"the log cannot be read for now: {error.get('description')}")
            raise RuntimeError(f"the log refused a read: {error}")
        message = body["message"]
        return await self._decode(int(message["seq"]), base64.b64decode(message["data"]))

    async def _decode(self, seq: int, payload: bytes) -> Recorded[Event]:
        return await decode(seq, payload, self._sealer)


async def decode(seq: int, payload: bytes, sealer: Sealer | None) -> Recorded[Event]:
    """An event from its bytes, its sealed fields opened where a sealer with the key is given.

    Raises `UnknownEventError` for a type or version that this program does not know, `ValidationError` for bad data.
    """
    envelope = Envelope.model_validate_json(payload)
    event = envelope.open()
    return _recorded(seq, envelope, event if sealer is None else await sealer.open(event))


def derive_event_id(cause: Cause, position: int) -> UUID:
    return uuid5(cause.id, f"{cause.decider}:{position}")


def _recorded(seq: int, envelope: Envelope, event: Event) -> Recorded[Event]:
    return Recorded(
        seq=seq,
        id=envelope.id,
        time=envelope.time,
        causation_id=envelope.causationid,
        run_id=envelope.runid,
        traceparent=envelope.traceparent,
        event=event,
    )


def _expectation(write: Write) -> dict[str, str]:
    return {
        "Nats-Expected-Last-Subject-Sequence": str(write.after),
        "Nats-Expected-Last-Subject-Sequence-Subject": aggregate_filter(write.owner, write.key),
    }


def _encode(envelope: Envelope) -> bytes:
    payload = envelope.model_dump_json().encode()
    if len(payload) > MAX_EVENT_BYTES:
        raise TooLargeError(f"{envelope.type} is {len(payload)} bytes long; {MAX_EVENT_BYTES} is the most")
    return payload
