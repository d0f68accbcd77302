"""Configuration: each named one is an aggregate, each change an event with the next version."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from contracts.configs import LlmConfig, alert_channel
from contracts.event import Event
from contracts.orchestrator import ConfigChanged, Receipt, Snapshot
from contracts.requests import ConfigRequest
from contracts.subjects import derived_id
from contracts.values import ConfigType
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.handlers import RawRequest
from services.runtime.log import Recorded
from services.runtime.reactor import Decision, Reactor, Trigger
from services.runtime.request_json import RejectedError, explain, parse

_REQUEST: TypeAdapter[ConfigRequest] = TypeAdapter(ConfigRequest)


class _Codec:
    def dump(self, state: int) -> str:
        return str(state)

    def load(self, text: str) -> int:
        return int(text)


CONFIG = Aggregate[int](
    "config", "orchestrator", int, lambda s, r: evolve(s, r), LongLived(_Codec(), Snapshot, Receipt)
)


def config_reactor() -> Reactor[int]:
    """Its state is the version of the configuration. Raises `RejectedError` for what is not one: a dead letter."""
    return Reactor("orchestrator-config", CONFIG, {RawRequest: config_key}, decide_config)


def config_key(raw: RawRequest) -> UUID:
    request = read(raw)
    return derived_id("config", request.config_type, request.name)


def read(raw: RawRequest) -> ConfigRequest:
    """The request with its configuration checked for its type. Raises `RejectedError`."""
    request = parse(raw.body, _REQUEST)
    try:
        match request.config_type:
            case ConfigType.ALERT_CHANNEL:
                alert_channel(request.config)
            case ConfigType.LLM:
                LlmConfig.model_validate(request.config)
            case ConfigType.MIDSCENE | ConfigType.STORAGE:
                pass
            case _:
                assert_never(request.config_type)
    except ValidationError as error:
        raise RejectedError("INVALID", f"config: {explain(error)}") from None
    return request


def decide_config(version: int, trigger: Trigger[RawRequest], _now: datetime) -> Decision:
    request = read(trigger.what)
    changed = ConfigChanged(
        config_id=config_key(trigger.what),
        version=version + 1,
        config_type=request.config_type,
        name=request.name,
        secret_ref=request.secret_ref,
        config=request.config,
        enabled=request.enabled,
        changed_by=trigger.what.user,
    )
    return Decision((changed,))


def evolve(version: int, recorded: Recorded[Event]) -> int:
    event = recorded.event
    return event.version if isinstance(event, ConfigChanged) else version
