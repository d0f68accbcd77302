"""The notifier as a process: people are told once, over every channel, whatever fails, ends or comes again."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest

from contracts import topology
from contracts.notifier import NotificationFailed, NotificationPlanned, NotificationSent, NotificationStarted
from contracts.orchestrator import ConfigChanged
from contracts.subjects import derived_id
from contracts.topology import Durable
from deploy.embedded.receivers import Answer, SmtpReceiver, Webhook, WebhookReceiver
from deploy.embedded.stack import Stack
from tests.notifier.samples import ALERT_ID, MESSAGE, configured, notification, raised, repeated
from tests.one_service import LIMIT_S, OneService

pytestmark = pytest.mark.system

SECRET = "s3cret-of-the-bot"
ROWS = "SELECT * FROM alert_notifications ORDER BY created_at, target, id"


def consumers() -> tuple[Durable, ...]:
    setter, reader = topology.timer_setter("notifier"), topology.timer_reader("notifier")
    assert setter is not None
    assert reader is not None
    return (topology.NOTICES, topology.SENDING, setter, reader)


@pytest.fixture
async def notifier(stack: Stack, database: str, tmp_path: Path) -> AsyncIterator[OneService]:
    (tmp_path / "secret").write_text(SECRET + "\n")
    environ = {
        "BOT_SECRET": SECRET,
        "WAYMARK_NOTIFIER_RETRY_DELAYS_S": "[0.1, 0.2]",
        "WAYMARK_NOTIFIER_PATIENCE_S": "3",
    }
    async with OneService.running("notifier", stack, database, tmp_path, environ) as service:
        yield service


def call(receiver: WebhookReceiver, name: str = "voice", **changes: Any) -> ConfigChanged:
    config = {"channel": "PHONE", "target": f"{receiver.url}/{name}", "to": ["+8613800000000"], "timeout_s": 20}
    return configured(name, {**config, **changes})


async def test_an_alert_reaches_every_channel_and_each_has_its_row(notifier: OneService, tmp_path: Path) -> None:
    async with WebhookReceiver() as hooks, SmtpReceiver() as mails:
        mail = {"channel": "EMAIL", "target": "qa@example.com", "sender": "waymark@example.com", "host": mails.host,
                "port": mails.port, "security": "NONE"}  # fmt: skip
        wechat = {"channel": "WECHAT", "target": hooks.url + "/wechat?key={secret}"}
        feishu = {"channel": "FEISHU", "target": f"{hooks.url}/feishu"}
        for event in (
            configured("feishu", feishu, secret_ref="env:BOT_SECRET"),
            configured("wechat", wechat, secret_ref=f"file:{tmp_path / 'secret'}"),
            configured("mail", mail),
            configured("off", feishu, enabled=False),
            configured("broken", {"channel": "FEISHU"}),
            configured("p3 only", {**feishu, "severities": ["P3"]}),
            call(hooks),
            raised(),
        ):
            await notifier.append(event)
        await notifier.wait_for(4, NotificationSent)
        assert Counter(w.path for w in hooks.received.all) == {"/feishu": 1, "/wechat": 1, "/voice": 1}
        assert MESSAGE in mails.received.all[0].text

    sent = {r.event.notification_id: r for r in await notifier.events(NotificationSent)}
    (plan,) = await notifier.events(NotificationPlanned)
    rows = {row["channel"]: row for row in await notifier.rows(ROWS)}
    names = {"FEISHU": "feishu", "WECHAT": "wechat", "EMAIL": "mail", "PHONE": "voice"}
    assert rows.keys() == names.keys()
    for channel, row in rows.items():
        assert row["id"] == notification(names[channel])
        assert (row["alert_id"], row["send_status"], row["retry_count"]) == (ALERT_ID, "SENT", 0)
        assert (row["created_at"], row["sent_at"]) == (plan.time, sent[row["id"]].time)
        assert row["response_payload"] == sent[row["id"]].event.response_payload
    assert rows["WECHAT"]["target"] == hooks.url + "/wechat?key=***"
    assert rows["EMAIL"]["target"] == "qa@example.com"
    assert SECRET not in str(rows)
    assert SECRET not in notifier.platform.log_of("notifier-0").read_text()
    assert "channel cannot be used" in notifier.platform.log_of("notifier-0").read_text()


async def test_a_receiver_that_recovers_is_told_after_all(notifier: OneService) -> None:
    answers = iter([Answer(503, {"why": "busy"}), Answer(500, {"why": "down"})])
    async with WebhookReceiver(lambda _: next(answers, Answer())) as hooks:
        await notifier.append(call(hooks))
        await notifier.append(raised())
        (sent,) = await notifier.wait_for(1, NotificationSent)
        keys = {w.headers["idempotency-key"] for w in hooks.received.all}
        assert (len(hooks.received.all), keys) == (3, {str(notification("voice"))})
    failures = [r.event for r in await notifier.wait_for(2, NotificationFailed)]
    assert [f.response_payload["status"] for f in failures] == [503, 500]
    assert [r.event.attempt for r in await notifier.events(NotificationStarted)] == [1, 2, 3]
    (row,) = await notifier.rows(ROWS)
    assert (row["send_status"], row["retry_count"], row["sent_at"]) == ("SENT", 2, sent.time)


async def test_a_receiver_that_stays_away_is_given_up_and_others_are_told(notifier: OneService) -> None:
    async with WebhookReceiver(lambda w: Answer(404 if w.path == "/gone" else 200, {})) as hooks:
        await notifier.append(call(hooks, "gone"))
        await notifier.append(call(hooks, "voice"))
        await notifier.append(raised())
        await notifier.wait_for(3, NotificationFailed)
        await notifier.idle(*consumers())
        assert Counter(w.path for w in hooks.received.all) == {"/gone": 3, "/voice": 1}
    failures = [r.event for r in await notifier.events(NotificationFailed)]
    assert [f.retry_at is None for f in failures] == [False, False, True]
    rows = {row["target"].rpartition("/")[2]: row for row in await notifier.rows(ROWS)}
    assert (rows["gone"]["send_status"], rows["gone"]["retry_count"], rows["gone"]["sent_at"]) == ("FAILED", 2, None)
    assert rows["gone"]["response_payload"]["error"] == "the webhook answered with HTTP status 404"
    assert rows["voice"]["send_status"] == "SENT"


async def test_only_loud_repetitions_are_told(notifier: OneService) -> None:
    async with WebhookReceiver() as hooks:
        await notifier.append(call(hooks))
        for event in (raised(), repeated(2), repeated(3, reopened=True), repeated(4), repeated(5, escalated=True)):
            await notifier.append(event)
        await notifier.wait_for(3, NotificationSent)
        await notifier.idle(*consumers())
        keys = {w.headers["idempotency-key"] for w in hooks.received.all}
    assert keys == {str(notification("voice", count=n)) for n in (1, 3, 5)}
    assert len(await notifier.rows(ROWS)) == 3


async def test_everything_delivered_again_adds_no_event_and_tells_nobody(notifier: OneService) -> None:
    answers = iter([Answer(503, {})])
    async with WebhookReceiver(lambda _: next(answers, Answer())) as hooks:
        await notifier.append(raised(alert_id=derived_id("alert", "before there was a channel")))
        await notifier.wait_for(1, NotificationPlanned)
        await notifier.append(call(hooks))
        await notifier.append(raised())
        await notifier.wait_for(1, NotificationSent)
        await notifier.append(call(hooks, "late"))
        await notifier.idle(*consumers())
        before, told, rows = await notifier.last_seq(), hooks.received.total, await notifier.rows(ROWS)
        assert told == 2

        await notifier.reset(*consumers())
        notifier.platform.kill_service("notifier")
        notifier.platform.start_service("notifier")
        await notifier.reset(*consumers())
        await notifier.idle(*consumers())
        assert (await notifier.last_seq(), hooks.received.total) == (before, told)
        assert await notifier.rows(ROWS) == rows


async def test_a_kill_in_the_middle_of_a_send_neither_loses_nor_repeats_it(notifier: OneService) -> None:
    """The receiver has the message, and the notifier is gone before it hears so."""

    def answer(_webhook: Webhook) -> Answer:
        if hooks.received.total == 1:
            os.kill(notifier.platform.service("notifier").pid or 0, signal.SIGKILL)
        return Answer(delay_s=0.1)

    async with WebhookReceiver(answer) as hooks:
        await notifier.append(call(hooks))
        await notifier.append(raised())
        await hooks.received.wait_for(1, LIMIT_S)
        notifier.platform.kill_service("notifier")
        notifier.platform.start_service("notifier")
        await notifier.reset(*consumers())  # Also what was in hand comes again at once.
        (sent,) = await notifier.wait_for(1, NotificationSent)
        await notifier.idle(*consumers())
        assert [w.headers["idempotency-key"] for w in hooks.received.all] == 2 * [str(notification("voice"))]
    first, second = await notifier.events(NotificationStarted)
    assert (first.event.attempt, second.event.attempt) == (1, 2)
    assert second.causation_id == uuid5(first.id, "fired")  # The plan that came again did not go on.
    assert await notifier.events(NotificationFailed) == []
    (row,) = await notifier.rows(ROWS)
    assert (row["send_status"], row["retry_count"], row["sent_at"]) == ("SENT", 1, sent.time)


async def test_a_notifier_that_slept_through_its_deadline_does_not_undo_what_another_did(notifier: OneService) -> None:
    """SIGSTOP in the middle of a send, past the deadline; another replica takes over; then SIGCONT."""
    sleeper = notifier.platform.service("notifier")
    assert sleeper.pid is not None

    def answer(_webhook: Webhook) -> Answer:
        if hooks.received.total == 1:
            os.kill(sleeper.pid or 0, signal.SIGSTOP)
        return Answer()

    async with WebhookReceiver(answer) as hooks:
        await notifier.append(call(hooks))
        await notifier.append(raised())
        await hooks.received.wait_for(1, LIMIT_S)
        notifier.platform.start_service("notifier", 1)
        await notifier.wait_for(1, NotificationSent)
        os.kill(sleeper.pid, signal.SIGCONT)
        await notifier.idle(*consumers())
        assert hooks.received.total == 2
    assert len(await notifier.events(NotificationSent)) == 1
    assert await notifier.events(NotificationFailed) == []
    (row,) = await notifier.rows(ROWS)
    assert (row["send_status"], row["retry_count"]) == ("SENT", 1)


async def test_two_notifiers_tell_each_once(notifier: OneService) -> None:
    notifier.platform.start_service("notifier", 1)
    async with WebhookReceiver(lambda _: Answer(delay_s=0.02)) as hooks:
        await notifier.append(call(hooks, "one"))
        await notifier.append(call(hooks, "two"))
        for number in range(15):
            await notifier.append(raised(alert_id=derived_id("alert", number)))
        await notifier.wait_for(30, NotificationSent)
        await notifier.idle(*consumers())
        keys = Counter(w.headers["idempotency-key"] for w in hooks.received.all)
    assert len(keys) == 30
    assert set(keys.values()) == {1}
