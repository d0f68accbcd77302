"""What services reach beside the phones: a model, a webhook and a mailbox, real servers on this machine that count."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from contracts.orchestrator import ConfigChanged
from deploy.embedded.openai_server import MODEL, ModelRequest, ScriptedModel
from deploy.embedded.platform import Platform
from deploy.embedded.receivers import SmtpReceiver, WebhookReceiver
from tests.system.exploring import next_event

TIMEOUT_S = 4
ENVIRON = {"WAYMARK_NOTIFIER_PATIENCE_S": "8"}
"""Longer than any channel here may take, and soon enough for a message whose sender was killed to be waited for."""
_CRASHING = ("Export orders", "Export as PDF")
"""Labels on the way to the button of the demo app that crashes it."""


@dataclass(frozen=True)
class Reached:
    """How often each of them was reached so far."""

    model: int
    webhook: int
    mail: int


class Counting(Protocol):
    """Somebody outside who counts how often they are reached."""

    everybody: bool

    @property
    def reached(self) -> Reached: ...


@dataclass
class Outside:
    """`async with Outside() as outside`. The model leads explorations to the app's crash, which people are told of."""

    model: ScriptedModel = field(init=False)
    webhook: WebhookReceiver = field(init=False)
    mail: SmtpReceiver = field(init=False)
    everybody: bool = True
    """Whether a run of the tests reaches all of them."""
    _exit: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.model = await self._exit.enter_async_context(ScriptedModel(advice))
        self.webhook = await self._exit.enter_async_context(WebhookReceiver())
        self.mail = await self._exit.enter_async_context(SmtpReceiver())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @property
    def reached(self) -> Reached:
        return Reached(self.model.requests.total, self.webhook.received.total, self.mail.received.total)

    async def configure(self, platform: Platform) -> None:
        """Tells the platform of all three, as a user would, and waits until the configurations are in force."""
        mail = {"target": "qa@example.com", "sender": "waymark@example.com", "security": "NONE"}
        configs: list[tuple[str, dict[str, Any]]] = [
            ("LLM", {"base_url": self.model.base_url, "model": MODEL, "timeout_s": TIMEOUT_S}),
            ("ALERT_CHANNEL", {"channel": "FEISHU", "target": f"{self.webhook.url}/feishu", "timeout_s": TIMEOUT_S}),
            (
                "ALERT_CHANNEL",
                {"channel": "EMAIL", "host": self.mail.host, "port": self.mail.port, "timeout_s": TIMEOUT_S, **mail},
            ),
        ]
        requests = [
            {"kind": "set", "config_type": kind, "name": f"{kind}-{number}", "config": config}
            for number, (kind, config) in enumerate(configs)
        ]
        await asyncio.gather(*(platform.request("waymark.request.config.tester", request) for request in requests))
        await next_event(platform, ConfigChanged, count=len(configs))


def advice(asked: ModelRequest) -> str:
    """What leads to the crash is worth trying first, everything else as it is listed."""
    entries = [json.loads(line) for line in asked.text.splitlines() if line.startswith('{"n"')]
    entries.sort(key=lambda entry: entry["label"] not in _CRASHING)
    return json.dumps({"order": [entry["n"] for entry in entries]})
