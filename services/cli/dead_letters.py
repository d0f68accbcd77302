"""Dead letters as they lie in their stream: read, tried again, removed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from contracts.subjects import DEAD_LETTERS
from services.cli.errors import CliError, ExitCode
from services.runtime.dead_letters import DeadLetter

READ_LIMIT = 100_000
_FETCH = 256
_FETCH_S = 1.0
_DUPLICATES_S = 120
"""The stream of dead letters knows a letter again for so long: one that dies again before would not be kept."""


@dataclass(frozen=True)
class Letter:
    """A dead letter with its place. `kind`: request (refused, the person has been told) or trigger."""

    seq: int
    kind: str
    letter: DeadLetter


async def read_letters(js: JetStreamContext, limit: int = READ_LIMIT) -> list[Letter]:
    """All letters, oldest first."""
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, inactive_threshold=30.0, mem_storage=True
    )
    subscription = await js.pull_subscribe("waymark.dlq.>", stream=DEAD_LETTERS, config=config)
    found: list[Letter] = []
    try:
        pending = (await subscription.consumer_info()).num_pending or 0
        while pending and len(found) < limit:
            try:
                messages = await subscription.fetch(min(_FETCH, pending), timeout=_FETCH_S)
            except TimeoutError:
                break
            found += [_letter(m.metadata.sequence.stream, m.subject, m.data) for m in messages]
            pending = messages[-1].metadata.num_pending
    finally:
        await subscription.unsubscribe()
    return found[:limit]


async def read_letter(js: JetStreamContext, seq: int) -> Letter:
    try:
        message = await js.get_msg(DEAD_LETTERS, seq)
    except NotFoundError:
        raise CliError(
            f"there is no dead letter {seq}; `waymark dlq list` lists those there are", ExitCode.NOT_FOUND
        ) from None
    return _letter(seq, message.subject or "", message.data or b"")


async def drop(js: JetStreamContext, seq: int) -> None:
    await read_letter(js, seq)
    await js.delete_msg(DEAD_LETTERS, seq)


async def retry(js: JetStreamContext, found: Letter, now: datetime) -> str:
    """Has the message handled again, and removes the letter; says what was done.

    A request is published anew. Of an event or a timer, its consumer is set back to it: it reads on from there, and
    whatever it had decided already it finds decided, so that only what died is done. Raises `CliError`.
    """
    letter = found.letter
    if found.kind == "request":
        await js.publish(letter.subject, letter.body, stream=letter.stream, timeout=5)
        done = f"published anew on {letter.subject}"
    else:
        age_s = (now.astimezone(UTC) - letter.died_at).total_seconds()
        if age_s < _DUPLICATES_S:
            raise CliError(f"try again in {_DUPLICATES_S - age_s:.0f} s: if it died again before, it would not be kept")
        await _set_back(js, letter.stream, letter.consumer, letter.sequence)
        done = f"{letter.consumer} reads {letter.stream} again from sequence {letter.sequence}"
    await js.delete_msg(DEAD_LETTERS, found.seq)
    return done


async def _set_back(js: JetStreamContext, stream: str, durable: str, seq: int) -> None:
    """Sets a durable consumer back (NATS 2.14 and later)."""
    answer = await js._nc.request(
        f"$JS.API.CONSUMER.RESET.{stream}.{durable}", json.dumps({"seq": seq}).encode(), timeout=5
    )
    error = json.loads(answer.data).get("error")
    if error is not None:
        raise CliError(f"NATS does not set {durable} back to {seq}: {error.get('description')}")


def _letter(seq: int, subject: str, data: bytes) -> Letter:
    return Letter(seq, subject.rpartition(".")[2], DeadLetter.model_validate_json(data))
