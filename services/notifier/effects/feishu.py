"""FEISHU: the custom bot of a group. It has no idempotency id: a message whose answer was lost may appear twice.

Source: Feishu Open Platform, "Custom bot usage guide": with signature verification a message carries `timestamp`
(seconds) and `sign`, the base64 of an HMAC-SHA256 over nothing, keyed with timestamp, line feed and secret; code 0 in
the answer means that it was taken; a body has 20 KB at most.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import httpx

from contracts.configs import FeishuChannel
from contracts.values import Severity
from services.notifier.effects.http import SendError, post
from services.notifier.effects.words import Words, cut

_TEXT_LIMIT_BYTES = 12_000
_COLOURS = {Severity.P1: "red", Severity.P2: "orange", Severity.P3: "blue"}


async def send(
    client: httpx.AsyncClient, channel: FeishuChannel, secret: str, said: Words, severity: Severity, now_s: int
) -> dict[str, Any]:
    """Posts the message; returns what the bot answered. Raises `SendError`."""
    body = message(channel, said, severity)
    if secret:
        body |= {"timestamp": str(now_s), "sign": sign(now_s, secret)}
    answer = await post(client, channel.target, body, {})
    code = answer.body.get("code", answer.body.get("StatusCode"))
    if code != 0:
        raise SendError(
            f"Feishu refused the message: code {code}, {answer.body.get('msg', 'no reason')}", answer.payload
        )
    return answer.payload


def sign(timestamp_s: int, secret: str) -> str:
    key = f"{timestamp_s}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def message(channel: FeishuChannel, said: Words, severity: Severity) -> dict[str, Any]:
    """The text stays plain in a card, so that what an app under test wrote cannot mention people or make links."""
    text = cut(said.text, _TEXT_LIMIT_BYTES)
    if channel.format == "text":
        return {"msg_type": "text", "content": {"text": f"{said.title}\n{text}".replace("<", "＜")}}
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {"template": _COLOURS[severity], "title": {"tag": "plain_text", "content": said.title}},
            "elements": [{"tag": "div", "text": {"tag": "plain_text", "content": text}}],
        },
    }
