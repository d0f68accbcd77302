"""Makes the streams, the key bucket and every durable consumer, in one place, before any event is written."""

from __future__ import annotations

from typing import Any

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, KeyValueConfig, StorageType, StreamConfig
from nats.js.errors import BadRequestError, BucketNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from contracts.subjects import DEAD_LETTERS, REQUESTS, STREAM, TIMERS
from contracts.topology import Durable, durables

KEY_BUCKET = "WAYMARK_KEYS"
_DUPLICATES_S = 120.0
_DEAD_LETTER_LIMIT = 100_000


class ProvisioningError(Exception):
    """A stream or consumer exists with another meaning than this version needs. Nothing was changed."""


def streams(replicas: int) -> tuple[StreamConfig, ...]:
    """The four streams. None of them forgets by itself except the dead letters, at a bound that is watched."""
    common: dict[str, Any] = {
        "num_replicas": replicas,
        "storage": StorageType.FILE,
        "duplicate_window": _DUPLICATES_S,
    }
    return (
        StreamConfig(
            name=STREAM,
            subjects=["waymark.*.*.*.*"],
            allow_atomic=True,
            allow_direct=True,
            allow_rollup_hdrs=False,
            **common,
        ),
        StreamConfig(name=REQUESTS, subjects=["waymark.request.*.*"], allow_direct=True, **common),
        StreamConfig(
            name=TIMERS, subjects=["waymark.timer.*.*.*.*"], allow_direct=True, allow_msg_schedules=True, **common
        ),
        StreamConfig(
            name=DEAD_LETTERS,
            subjects=["waymark.dlq.*.*"],
            allow_direct=True,
            max_msgs=_DEAD_LETTER_LIMIT,
            **common,
        ),
    )


async def provision(js: JetStreamContext, *, replicas: int = 1) -> None:
    """Idempotent. Raises `ProvisioningError` where something of the same name means something else."""
    for config in streams(replicas):
        try:
            existing = await js.stream_info(str(config.name))
        except NotFoundError:
            await js.add_stream(config)
        else:
            if set(existing.config.subjects or []) != set(config.subjects or []):
                raise ProvisioningError(
                    f"stream {config.name} exists with subjects {existing.config.subjects}, not {config.subjects}:"
                    " is another system on this NATS account?"
                )
    await key_bucket(js, replicas=replicas)
    for durable in durables():
        await provision_durable(js, durable)


async def key_bucket(js: JetStreamContext, *, replicas: int = 1) -> KeyValue:
    try:
        return await js.key_value(KEY_BUCKET)
    except BucketNotFoundError:
        return await js.create_key_value(KeyValueConfig(bucket=KEY_BUCKET, history=1, replicas=replicas))


async def provision_durable(js: JetStreamContext, durable: Durable) -> None:
    """Creates the consumer from the stream's beginning, or widens its filters; its position is never touched."""
    config = ConsumerConfig(
        durable_name=durable.name,
        filter_subjects=list(durable.filters),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=durable.ack_wait_s,
        max_ack_pending=durable.max_ack_pending,
    )
    try:
        await js.add_consumer(durable.stream, config)
    except BadRequestError as error:
        raise ProvisioningError(f"consumer {durable.name} on {durable.stream}: {error.description}") from error
