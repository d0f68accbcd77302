"""Channels are configured as documented, mistakes are named, and what authorises is never shown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.configs import alert_channel, private_parts, shown_target

FEISHU = {"channel": "FEISHU", "target": "https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d-token"}
WECHAT = {"channel": "WECHAT", "target": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-key"}
EMAIL = {"channel": "EMAIL", "target": "qa@example.com", "sender": "waymark@example.com", "host": "smtp.example.com"}
PHONE = {"channel": "PHONE", "target": "https://user:pass-word@voice.example.com/call", "to": ["+861"]}


@pytest.mark.parametrize(
    ("config", "shown", "private"),
    [
        (FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/***", ("0a1b2c3d-token",)),
        (WECHAT, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=***", ("693a91f6-key",)),
        ({**WECHAT, "target": "http://bot/send?key={secret}"}, "http://bot/send?key=***", ()),
        (EMAIL, "qa@example.com", ()),
        (PHONE, "https://voice.example.com/call", ("pass-word",)),
    ],
)
def test_addresses_are_shown_without_what_authorises(config: Any, shown: str, private: tuple[str, ...]) -> None:
    channel = alert_channel(config)
    assert (shown_target(channel), private_parts(channel)) == (shown, private)


def test_a_channel_hears_of_everything_unless_told_otherwise() -> None:
    channel = alert_channel(EMAIL)
    assert len(channel.severities) == 3
    assert len(channel.types) == 5


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"channel": "SMS", "target": "x"}, ()),
        ({}, ()),
        ({**FEISHU, "target": "open.feishu.cn/hook"}, ("FEISHU", "target")),
        ({**FEISHU, "severity": ["P1"]}, ("FEISHU", "severity")),
        ({**WECHAT, "severities": ["P0"]}, ("WECHAT", "severities", 0)),
        ({**WECHAT, "timeout_s": 60}, ("WECHAT", "timeout_s")),
        ({**EMAIL, "target": "qa"}, ("EMAIL", "target")),
        ({**EMAIL, "target": "qa@example.com\nBcc: all@example.com"}, ("EMAIL", "target")),
        ({**EMAIL, "username": "waymark", "security": "NONE"}, ("EMAIL",)),
        ({**PHONE, "to": []}, ("PHONE", "to")),
    ],
)
def test_a_mistake_is_named_by_its_place(config: Any, place: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError) as raised:
        alert_channel(config)
    assert raised.value.errors()[0]["loc"] == place
