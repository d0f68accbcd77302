"""Each channel against a real receiver on loopback: what arrives, and what is said when it does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.values import Severity
from deploy.embedded.receivers import Answer, SmtpReceiver, WebhookReceiver
from services.notifier.effects import feishu, wechat
from services.notifier.effects.sender import Sender
from services.notifier.effects.words import Words, cut, words
from services.runtime.secrets import SecretError
from tests.notifier.samples import ALERT_ID, MESSAGE, NOON, RUN, configured, pinned, planned, repeated

SECRET = "s3cret/of+the=bot"


@dataclass
class FixedClock:
    def now(self) -> datetime:
        return NOON

    def new_id(self) -> Any:
        raise AssertionError("no ids are made here")


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender.open(FixedClock()) as opened:
        opened.secrets = lambda ref: SecretStr("" if ref == "none" else SECRET)
        yield opened


async def send(sender: Sender, config: dict[str, Any], secret_ref: str = "env:BOT", **alert: Any) -> tuple[bool, Any]:
    plan = planned(pinned("one", config), alert=repeated(3, reopened=True, **alert))
    return await sender.send(plan, plan.targets[0], configured("one", config, secret_ref=secret_ref))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# --- FEISHU -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp_s", "secret", "expected"),
    [
        # Made with: printf '' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<timestamp, LF, secret> -binary | base64
        (1599360473, "demo-secret", "3/MaVZ8JLIy4TUG+7KSFJqvUkTKd+HWY8g+56DZWq8s="),
        (1700000000, "密钥", "cyn+2wyXar1IIl3eihT1dIzSxsVv1BFWCgy6prBcWJM="),
    ],
)
def test_a_signature_equals_the_one_openssl_makes(timestamp_s: int, secret: str, expected: str) -> None:
    assert feishu.sign(timestamp_s, secret) == expected


async def test_feishu_gets_a_signed_card(sender: Sender) -> None:
    async with WebhookReceiver() as receiver:
        sent, response = await send(sender, {"channel": "FEISHU", "target": f"{receiver.url}/open-apis/bot/v2/hook/t0"})
    (webhook,) = receiver.received.all
    body = webhook.json()
    assert (sent, response["status"], response["body"]["code"]) == (True, 200, 0)
    assert (webhook.method, webhook.path) == ("POST", "/open-apis/bot/v2/hook/t0")
    assert webhook.headers["content-type"] == "application/json"
    assert body["timestamp"] == str(int(NOON.timestamp()))
    key = f"{body['timestamp']}\n{SECRET}".encode()
    assert body["sign"] == base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()
    assert body["msg_type"] == "interactive"
    assert body["card"]["header"]["title"]["content"] == "[P1] Crash or failed run again"
    assert body["card"]["header"]["template"] == "red"
    text = body["card"]["elements"][0]["text"]
    assert text["tag"] == "plain_text"
    assert text["content"].splitlines() == [
        MESSAGE,
        "",
        "Seen: 2026-01-02 12:01:00 UTC",
        "Times: 3",
        f"Run: {RUN}",
        f"Alert: {ALERT_ID}",
    ]


async def test_feishu_without_a_secret_is_not_signed_and_may_be_plain_text(sender: Sender) -> None:
    async with WebhookReceiver() as receiver:
        config = {"channel": "FEISHU", "target": receiver.url, "format": "text"}
        sent, _ = await send(sender, config, secret_ref="none", message='<at user_id="all"></at> down')
    body = receiver.received.all[0].json()
    assert sent
    assert body.keys() == {"msg_type", "content"}
    assert "<at" not in body["content"]["text"]


async def test_feishu_refuses_with_a_code_although_the_status_is_fine(sender: Sender) -> None:
    answer = Answer(200, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"})
    async with WebhookReceiver(lambda _: answer) as receiver:
        sent, response = await send(sender, {"channel": "FEISHU", "target": receiver.url})
    assert not sent
    assert response["error"] == (
        "Feishu refused the message: code 19021, sign match fail or timestamp is not within one hour"
    )
    assert response["body"]["code"] == 19021


async def test_an_answer_that_is_no_json_is_no_success(sender: Sender) -> None:
    async with WebhookReceiver(lambda _: Answer(200, "<html>sign in</html>")) as receiver:
        sent, response = await send(sender, {"channel": "FEISHU", "target": receiver.url})
    assert (sent, response["body"]) == (False, "<html>sign in</html>")


# --- WECHAT -----------------------------------------------------------------------------------------------------------


async def test_wechat_gets_markdown_with_the_key_in_the_url_only(sender: Sender) -> None:
    async with WebhookReceiver() as receiver:
        config = {"channel": "WECHAT", "target": receiver.url + "/cgi-bin/webhook/send?key={secret}"}
        sent, response = await send(sender, config, severity=Severity.P3, message="见 <@all> [link](http://x)")
    (webhook,) = receiver.received.all
    content = webhook.json()["markdown"]["content"]
    assert (sent, response["body"]["errcode"]) == (True, 0)
    assert webhook.query == {"key": SECRET}
    assert webhook.json()["msgtype"] == "markdown"
    assert content.startswith('### <font color="comment">')
    assert "<@all>" not in content
    assert "[link]" not in content
    assert SECRET not in webhook.body.decode()


async def test_wechat_refuses_with_an_errcode(sender: Sender) -> None:
    answer = Answer(200, {"errcode": 45009, "errmsg": "api freq out of limit"})
    async with WebhookReceiver(lambda _: answer) as receiver:
        sent, response = await send(sender, {"channel": "WECHAT", "target": receiver.url})
    assert not sent
    assert response["error"] == "WeChat Work refused the message: errcode 45009, api freq out of limit"


def test_a_long_message_is_cut_between_characters() -> None:
    content = wechat.message(Words("title", ("崩" * 5000,)), Severity.P1)["markdown"]["content"]
    assert 4090 <= len(content.encode()) <= 4096
    assert content.endswith("崩…")
    assert cut("短", 3) == "短"


# --- PHONE ------------------------------------------------------------------------------------------------------------


async def test_a_call_is_asked_for_under_the_same_key_each_time(sender: Sender) -> None:
    async with WebhookReceiver(lambda _: Answer(202, {"call": "c-1"})) as receiver:
        config = {"channel": "PHONE", "target": receiver.url, "to": ["+8613800000000"]}
        results = [await send(sender, config) for _ in range(2)]
    first, second = receiver.received.all
    assert [sent for sent, _ in results] == [True, True]
    assert results[0][1] == {"status": 202, "body": {"call": "c-1"}}
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == first.json()["id"]
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert first.json()["to"] == ["+8613800000000"]
    assert first.json()["text"] == MESSAGE


# --- EMAIL ------------------------------------------------------------------------------------------------------------


def mail_to(receiver: SmtpReceiver, **changes: Any) -> dict[str, Any]:
    base = {"channel": "EMAIL", "target": "qa@example.com", "sender": "waymark@example.com", "host": receiver.host}
    return {**base, "port": receiver.port, "security": "NONE", **changes}


async def test_a_mail_says_what_happened_and_is_the_same_mail_each_time(sender: Sender) -> None:
    async with SmtpReceiver() as receiver:
        results = [await send(sender, mail_to(receiver), message="崩溃\r\nBcc: x@example.com") for _ in range(2)]
    first, second = receiver.received.all
    assert [sent for sent, _ in results] == [True, True]
    assert (first.sender, first.recipients) == ("waymark@example.com", ("qa@example.com",))
    assert first.message["Subject"].startswith("[P1] Crash or failed run again: 崩溃")
    assert first.message["Bcc"] is None
    assert f"Alert: {ALERT_ID}" in first.text
    assert first.message["Message-ID"] == second.message["Message-ID"] == results[0][1]["message_id"]
    assert first.message["Message-ID"].endswith("@example.com>")


async def test_a_mail_server_that_refuses_is_quoted(sender: Sender) -> None:
    async with SmtpReceiver(lambda _: "452 mailbox is full") as receiver:
        sent, response = await send(sender, mail_to(receiver))
    assert not sent
    assert response["error"] == "the mail server refused: 452 mailbox is full"


async def test_a_mail_does_not_go_in_the_clear_where_tls_was_asked_for(sender: Sender) -> None:
    async with SmtpReceiver() as receiver:
        sent, response = await send(sender, mail_to(receiver, security="STARTTLS"))
    assert not sent
    assert "STARTTLS" in response["error"]
    assert receiver.received.total == 0


# --- what goes wrong with any -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
async def test_a_status_that_is_no_success_is_a_failure_with_the_answer(sender: Sender, status: int) -> None:
    async with WebhookReceiver(lambda _: Answer(status, {"code": 0, "errcode": 0, "why": "down"})) as receiver:
        sent, response = await send(sender, {"channel": "FEISHU", "target": receiver.url})
    assert not sent
    assert response == {
        "error": f"the webhook answered with HTTP status {status}",
        "status": status,
        "body": {"code": 0, "errcode": 0, "why": "down"},
    }


async def test_a_receiver_that_is_slow_is_given_up(sender: Sender) -> None:
    async with WebhookReceiver(lambda _: Answer(delay_s=0.6)) as receiver:
        began_s = time.monotonic()
        sent, response = await send(sender, {"channel": "WECHAT", "target": receiver.url, "timeout_s": 0.2})
        assert time.monotonic() - began_s < 0.6
    assert (sent, response) == (False, {"error": "no answer within 0.2 s"})


@pytest.mark.parametrize("channel", ["FEISHU", "WECHAT", "PHONE", "EMAIL"])
async def test_nobody_there_is_a_failure_in_words(sender: Sender, channel: str) -> None:
    port = free_port()
    config: dict[str, Any] = {"channel": channel, "target": f"http://127.0.0.1:{port}/x"}
    if channel == "PHONE":
        config["to"] = ["+861"]
    if channel == "EMAIL":
        config = {"channel": channel, "target": "a@b.c", "sender": "a@b.c", "host": "127.0.0.1", "port": port}
    sent, response = await send(sender, config)
    assert not sent
    assert "cannot be reached" in response["error"]


async def test_a_receiver_that_repeats_the_secret_does_not_get_it_recorded(sender: Sender) -> None:
    def echo(webhook: Any) -> Answer:
        return Answer(403, {"bad key": webhook.query["key"], "path": [webhook.path], SECRET: 1})

    async with WebhookReceiver(echo) as receiver:
        config = {"channel": "WECHAT", "target": receiver.url + "/hook/abcdef-token?key={secret}"}
        sent, response = await send(sender, config)
    assert not sent
    assert response["body"] == {"bad key": "***", "path": ["/hook/***"], "***": 1}


async def test_a_secret_that_is_missing_is_a_failure_that_says_where_it_was_looked_for(sender: Sender) -> None:
    def missing(_ref: str) -> SecretStr:
        raise SecretError("variable BOT is not set")

    sender.secrets = missing
    async with WebhookReceiver() as receiver:
        sent, response = await send(sender, {"channel": "FEISHU", "target": receiver.url})
    assert (sent, response) == (False, {"error": "variable BOT is not set"})
    assert receiver.received.total == 0


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"errcode": 0, "x": "a\x00b"}, '{"errcode": 0, "x": "a\\u0000b"}'),
        ({"errcode": 0, "x": "\ud800"}, '{"errcode": 0, "x": "\\ud800"}'),
        ({"errcode": 0, "x": "y" * 100_000}, '{"errcode": 0, "x": "' + "y" * 1979),
    ],
)
async def test_an_answer_is_kept_in_a_form_that_can_be_stored(sender: Sender, body: Any, kept: str) -> None:
    async with WebhookReceiver(lambda _: Answer(200, body)) as receiver:
        _, response = await send(sender, {"channel": "WECHAT", "target": receiver.url})
    assert response["body"] == kept


async def test_a_redirect_is_not_followed(sender: Sender) -> None:
    async with WebhookReceiver(lambda _: Answer(307, {})) as receiver:
        sent, _ = await send(sender, {"channel": "PHONE", "target": receiver.url, "to": ["+861"]})
    assert (sent, receiver.received.total) == (False, 1)


def test_words_say_that_an_alert_became_more_severe() -> None:
    said = words(planned(alert=repeated(2, escalated=True)))
    assert said.title == "[P1] Crash or failed run, more severe"
    assert said.lines[0] == MESSAGE
