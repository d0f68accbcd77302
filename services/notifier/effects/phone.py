"""PHONE: a call by a voice provider, asked for over HTTP. `Idempotency-Key` makes a repeated request one call.

Source: the IETF draft "The Idempotency-Key HTTP Header Field", which voice providers follow or are put behind.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from contracts.configs import SECRET_PLACE, PhoneChannel
from contracts.notifier import NotificationPlanned
from services.notifier.effects.http import post
from services.notifier.effects.words import Words, cut

_SPOKEN_BYTES = 1000


async def send(
    client: httpx.AsyncClient,
    channel: PhoneChannel,
    secret: str,
    said: Words,
    plan: NotificationPlanned,
    notification_id: UUID,
) -> dict[str, Any]:
    """Asks for the call; returns what the provider answered. Raises `SendError` unless that is a success."""
    url = channel.target.replace(SECRET_PLACE, quote(secret, safe=""))
    headers = {"Idempotency-Key": str(notification_id)}
    if secret and url == channel.target:
        headers["Authorization"] = f"Bearer {secret}"
    body = {
        "id": str(notification_id),
        "to": list(channel.to),
        "title": said.title,
        "text": cut(plan.message, _SPOKEN_BYTES),
        "severity": plan.severity.value,
        "alert_type": plan.alert_type.value,
        "alert_id": str(plan.alert_id),
        "run_id": None if plan.run_id is None else str(plan.run_id),
    }
    return (await post(client, url, body, headers)).payload
