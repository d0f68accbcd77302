"""EMAIL over SMTP. The Message-ID is the same for every attempt, so that a mail store can show a repeated mail once."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import aiosmtplib

from contracts.configs import EmailChannel
from services.notifier.effects.http import SendError
from services.notifier.effects.words import Words

_SUBJECT_CHARS = 150


async def send(
    channel: EmailChannel, secret: str, said: Words, notification_id: UUID, planned_at: datetime
) -> dict[str, Any]:
    """Hands the mail to the server; returns its answer. Raises `SendError`."""
    mail = message(channel, said, notification_id, planned_at)
    try:
        refused, answer = await aiosmtplib.send(
            mail,
            sender=channel.sender,
            recipients=[channel.target],
            hostname=channel.host,
            port=channel.port,
            username=channel.username,
            password=secret if channel.username is not None else None,
            use_tls=channel.security == "TLS",
            start_tls=channel.security == "STARTTLS",
            timeout=channel.timeout_s,
        )
    except aiosmtplib.SMTPResponseException as error:
        raise SendError(f"the mail server refused: {error.code} {error.message}", {"code": error.code}) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise SendError(f"the mail server cannot be reached: {error}") from error
    if refused:
        raise SendError(f"the mail server refused {', '.join(refused)}", {"answer": answer})
    return {"answer": answer, "message_id": mail["Message-ID"]}


def message(channel: EmailChannel, said: Words, notification_id: UUID, planned_at: datetime) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = channel.sender
    mail["To"] = channel.target
    mail["Subject"] = " ".join(f"{said.title}: {said.lines[0]}".split())[:_SUBJECT_CHARS]
    mail["Date"] = format_datetime(planned_at)
    mail["Message-ID"] = f"<{notification_id}@{channel.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(said.text + "\n")
    return mail
