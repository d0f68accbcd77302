"""Sends one message over the channel that its configuration says, and tells what came of it, without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, assert_never
from urllib.parse import quote

import httpx
from pydantic import SecretStr, ValidationError

from contracts.configs import (
    AlertChannel,
    EmailChannel,
    FeishuChannel,
    PhoneChannel,
    WechatChannel,
    alert_channel,
    private_parts,
)
from contracts.notifier import NotificationPlanned, Target
from contracts.orchestrator import ConfigChanged
from services.notifier.effects import feishu, mail, phone, wechat
from services.notifier.effects.http import SendError
from services.notifier.effects.words import words
from services.runtime.clock import Clock
from services.runtime.secrets import SecretError, resolve

_MASK = "***"


@dataclass
class Sender:
    """`secrets` resolves a reference; `clock` dates signatures."""

    client: httpx.AsyncClient
    clock: Clock
    secrets: Callable[[str], SecretStr] = resolve

    @classmethod
    @asynccontextmanager
    async def open(cls, clock: Clock) -> AsyncIterator[Sender]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(limits=limits, timeout=None) as client:  # noqa: S113 - each send has its time-out
            yield cls(client, clock)

    async def send(
        self, plan: NotificationPlanned, target: Target, config: ConfigChanged
    ) -> tuple[bool, dict[str, Any]]:
        """Whether the message was taken, and what the receiver said. Failures of the world are answers, not errors."""
        private: list[str] = []
        try:
            channel = alert_channel(config.config)
            private += private_parts(channel)
            secret = self.secrets(config.secret_ref).get_secret_value()
            private += [secret, quote(secret, safe="")]
            async with asyncio.timeout(channel.timeout_s):
                return True, _without(await self._over(channel, secret, plan, target), private)
        except TimeoutError:
            words_of_failure, said = f"no answer within {channel.timeout_s:g} s", {}
        except SendError as error:
            words_of_failure, said = str(error), error.response
        except SecretError as error:
            words_of_failure, said = str(error), {}
        except ValidationError as error:
            words_of_failure, said = f"configuration {config.name} is not a channel: {error.error_count()} problems", {}
        return False, _without({"error": words_of_failure, **said}, private)

    async def _over(
        self, channel: AlertChannel, secret: str, plan: NotificationPlanned, target: Target
    ) -> dict[str, Any]:
        said = words(plan)
        match channel:
            case FeishuChannel():
                now_s = int(self.clock.now().timestamp())
                return await feishu.send(self.client, channel, secret, said, plan.severity, now_s)
            case WechatChannel():
                return await wechat.send(self.client, channel, secret, said, plan.severity)
            case EmailChannel():
                return await mail.send(channel, secret, said, target.notification_id, plan.planned_at)
            case PhoneChannel():
                return await phone.send(self.client, channel, secret, said, plan, target.notification_id)
            case _:
                assert_never(channel)


def _without(value: Any, private: list[str]) -> Any:
    """The same, with everything private masked wherever it was repeated."""
    match value:
        case str():
            for part in private:
                value = value.replace(part, _MASK) if part else value
            return value
        case dict():
            return {_without(key, private): _without(inner, private) for key, inner in value.items()}
        case list():
            return [_without(inner, private) for inner in value]
        case _:
            return value
