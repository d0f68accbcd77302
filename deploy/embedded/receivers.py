"""A real HTTP webhook receiver and a real SMTP receiver on loopback: where tests and the demo send notifications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.loopback import LoopbackServer, Records
from deploy.embedded.process import LOOPBACK

# What the bot webhooks of Feishu (code) and WeChat Work (errcode) answer when they took a message.
ACCEPTED: dict[str, Any] = {"code": 0, "msg": "success", "errcode": 0, "errmsg": "ok"}
MAIL_LIMIT_BYTES = 10_000_000
MAIL_TAKEN = "250 OK"


@dataclass(frozen=True)
class Webhook:
    """One HTTP request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    received_at: datetime

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Mail:
    """One message as SMTP delivered it."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    received_at: datetime

    @property
    def text(self) -> str:
        """The plain text part, empty when there is none."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part is not None else ""


@dataclass(frozen=True)
class Answer:
    """What a webhook answers, after `delay_s`."""

    status: int = 200
    body: Any = None
    delay_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


def _webhook_line(webhook: Webhook) -> dict[str, Any]:
    return {
        "received_at": webhook.received_at.isoformat(),
        "method": webhook.method,
        "path": webhook.path,
        "query": webhook.query,
        "headers": webhook.headers,
        "body": webhook.body.decode(errors="replace"),
    }


def _mail_line(mail: Mail) -> dict[str, Any]:
    return {
        "received_at": mail.received_at.isoformat(),
        "sender": mail.sender,
        "recipients": mail.recipients,
        "subject": mail.message["subject"],
        "text": mail.text,
    }


class WebhookReceiver(LoopbackServer):
    """Takes any request on any path. `answer` decides what to say; without it everything is accepted."""

    def __init__(
        self, answer: Callable[[Webhook], Answer] | None = None, limit: int = 1000, file: Path | None = None
    ) -> None:
        super().__init__({"* /{path:.*}": self._receive})
        self._answer = answer or (lambda _: Answer())
        self.received: Records[Webhook] = Records(_webhook_line, limit, file)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        webhook = Webhook(
            request.method,
            request.path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            datetime.now(UTC),
        )
        self.received.add(webhook)
        answer = self._answer(webhook)
        await asyncio.sleep(answer.delay_s)
        body = ACCEPTED if answer.body is None else answer.body
        headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        return web.Response(body=json.dumps(body).encode(), status=answer.status, headers=headers)


class SmtpReceiver:
    """Takes mail on a free loopback port. `answer` gives the SMTP reply ("451 try later"); without it all is taken."""

    def __init__(
        self, answer: Callable[[Mail], str] | None = None, limit: int = 1000, file: Path | None = None
    ) -> None:
        self._answer = answer or (lambda _: MAIL_TAKEN)
        self._server: asyncio.Server | None = None
        self.received: Records[Mail] = Records(_mail_line, limit, file)
        self.host = LOOPBACK
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """aiosmtpd calls this by its name for each message."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = Mail(
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            message_from_bytes(content, policy=policy.default),
            datetime.now(UTC),
        )
        self.received.add(mail)
        return self._answer(mail)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            return SMTP(self, data_size_limit=MAIL_LIMIT_BYTES, enable_SMTPUTF8=True, hostname="localhost", loop=loop)

        self._server = await loop.create_server(protocol, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()
