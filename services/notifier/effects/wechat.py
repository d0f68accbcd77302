"""WECHAT: the bot of a WeChat Work group. It has no idempotency id: a message whose answer was lost may appear twice.

Source: WeChat Work developer documentation, "Group robot configuration": the key is in the URL; markdown has 4096 bytes
of UTF-8 at most; errcode 0 in the answer means that it was taken; a bot takes 20 messages a minute (45009 beyond).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from contracts.configs import SECRET_PLACE, WechatChannel
from contracts.values import Severity
from services.notifier.effects.http import SendError, post
from services.notifier.effects.words import Words, cut

_LIMIT_BYTES = 4096
_COLOURS = {Severity.P1: "warning", Severity.P2: "warning", Severity.P3: "comment"}
_PLAIN = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "`": "'", "*": "＊"})
"""What an app under test wrote cannot mention people or make links."""


async def send(
    client: httpx.AsyncClient, channel: WechatChannel, secret: str, said: Words, severity: Severity
) -> dict[str, Any]:
    """Posts the message; returns what the bot answered. Raises `SendError`."""
    url = channel.target.replace(SECRET_PLACE, quote(secret, safe=""))
    answer = await post(client, url, message(said, severity), {})
    code = answer.body.get("errcode")
    if code != 0:
        raise SendError(
            f"WeChat Work refused the message: errcode {code}, {answer.body.get('errmsg', 'no reason')}", answer.payload
        )
    return answer.payload


def message(said: Words, severity: Severity) -> dict[str, Any]:
    title = said.title.translate(_PLAIN)
    lines = [f'### <font color="{_COLOURS[severity]}">{title}</font>', *(s.translate(_PLAIN) for s in said.lines)]
    return {"msgtype": "markdown", "markdown": {"content": cut("\n".join(lines), _LIMIT_BYTES)}}
