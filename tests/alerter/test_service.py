"""The alerter as a process: what others write becomes alerts, once, whatever is delivered again."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts import topology
from contracts.alerter import (
    AlertAcked,
    AlertDetailed,
    AlertRaised,
    AlertRepeated,
    AlertRequestRejected,
    AlertResolved,
    Receipt,
)
from contracts.sealed import Sealed
from contracts.subjects import derived_id, event_filter
from contracts.values import RunStatus
from deploy.embedded.stack import Stack
from services.alerter.decisions import alert_key
from tests.alerter.samples import (
    OBJECT,
    RUN,
    SCREEN,
    STACK,
    checked,
    compared,
    crash,
    crossed,
    finished,
    lost,
    ready,
    traced,
)  # fmt: skip
from tests.one_service import OneService

pytestmark = pytest.mark.system

ANSWERS = (AlertRaised, AlertRepeated, AlertAcked, AlertResolved, AlertRequestRejected)
CONSUMERS = (topology.ALERTS, topology.ALERT_REQUEST_READER)
COLUMNS = "SELECT * FROM alerts ORDER BY triggered_at, id"


@pytest.fixture
async def alerter(stack: Stack, database: str, tmp_path: Path) -> AsyncIterator[OneService]:
    async with OneService.running("alerter", stack, database, tmp_path) as service:
        yield service


async def ask(alerter: OneService, body: Any, user: str = "alice") -> None:
    await alerter.platform.request(f"waymark.request.alert.{user}", body)


async def test_every_kind_of_trouble_becomes_one_row(alerter: OneService) -> None:
    events = [
        crash(1), crash(2), lost(1), checked(3, 1, 2), checked(2, 1, 1, "other"), compared(), crossed(80), crossed(100),
        finished(RunStatus.FAILED, "the phone was lost"),
    ]  # fmt: skip
    for event in events:
        await alerter.append(event)
    await alerter.wait_for(6, AlertRaised)
    await alerter.wait_for(2, AlertRepeated)
    await alerter.append(ready(2))
    await alerter.wait_for(1, AlertResolved)

    rows = {row["alert_type"] + row["severity"]: row for row in await alerter.rows(COLUMNS)}
    assert sorted(rows) == [
        "DEVICE_OFFLINEP2", "LOCATOR_FAILUREP3", "SCREEN_DIFFP2", "SYSTEMP1", "SYSTEMP2", "TOKEN_BUDGETP1",
    ]  # fmt: skip
    crashed = rows["SYSTEMP1"]
    assert crashed["id"] == alert_key(crash())
    assert (crashed["task_run_id"], crashed["triggered_at"], crashed["status"]) == (RUN, crash(1).seen_at, "OPEN")
    assert "购物车是空的" in crashed["message"]
    assert (rows["LOCATOR_FAILUREP3"]["screen_id"], rows["LOCATOR_FAILUREP3"]["element_id"]) == (
        SCREEN,
        derived_id("element", "pay"),
    )
    (resolved,) = await alerter.events(AlertResolved)
    assert (rows["DEVICE_OFFLINEP2"]["status"], rows["DEVICE_OFFLINEP2"]["resolved_at"]) == ("RESOLVED", resolved.time)


async def test_one_crash_on_three_phones_is_one_alert_that_counts_three_and_is_completed(alerter: OneService) -> None:
    phones = [derived_id("device", name) for name in ("a", "b", "c")]
    for number, phone in enumerate(phones, 1):
        await alerter.append(crash(number, device_id=phone, run_id=derived_id("run", number), log=OBJECT))
    (raised,) = await alerter.wait_for(1, AlertRaised)
    repeated = await alerter.wait_for(2, AlertRepeated)
    assert [r.event.count for r in repeated] == [2, 3]
    assert not any(r.event.loud for r in repeated)

    await alerter.append(traced(1, "NOT_TRIED"))
    await alerter.append(traced(1, "REPRODUCED", minimal=True, tries=2))
    await alerter.append(traced(2, "NOT_REPRODUCED"))
    await alerter.wait_for(2, AlertDetailed)
    await alerter.idle(topology.ALERTS)
    assert len(await alerter.events(AlertRaised)) == 1
    assert len(await alerter.events(AlertDetailed)) == 2  # What is less certain does not take the place of the proof.

    (row,) = await alerter.rows(COLUMNS)
    sealed = raised.event.model_copy(update={"payload": Sealed[dict].model_validate(row["payload"])})
    payload = (await alerter.sealer.open(sealed)).payload.reveal()
    assert (payload["verdict"], payload["minimal"], payload["stack"]) == ("REPRODUCED", True, STACK)
    assert payload["sequence"] == ["tap “导出” at 5,6 on 首页"]
    assert payload["log"] == OBJECT.key
    assert payload["screenshots"] == [
        {"step": 4, "screen": "首页", "screenshot": OBJECT.key, "touched": [5, 6]},
    ]


async def test_the_payload_is_sealed_in_log_and_row_and_opens_with_its_key(alerter: OneService) -> None:
    await alerter.append(crash())
    (raised,) = await alerter.wait_for(1, AlertRaised)
    message = await alerter.js.get_last_msg("WAYMARK", event_filter(AlertRaised))
    assert b"CartActivity.onClick" not in (message.data or b"")
    (row,) = await alerter.rows(COLUMNS)
    assert "CartActivity.onClick" not in json.dumps(row["payload"])
    sealed = raised.event.model_copy(update={"payload": Sealed[dict].model_validate(row["payload"])})
    opened = await alerter.sealer.open(sealed)
    assert opened.payload.reveal()["stack"] == STACK


async def test_people_acknowledge_resolve_and_suppress(alerter: OneService) -> None:
    await alerter.append(crash(1))
    await alerter.wait_for(1, AlertRaised)
    alert_id = str(alert_key(crash()))
    await ask(alerter, {"kind": "ack", "alert": alert_id, "note": "看一下"})
    (acked,) = await alerter.wait_for(1, AlertAcked)
    (row,) = await alerter.rows(COLUMNS)
    assert (row["status"], row["ack_by"], row["ack_at"]) == ("ACKED", derived_id("user", "alice"), acked.time)

    await ask(alerter, {"kind": "resolve", "alert": alert_id}, "bob")
    (resolved,) = await alerter.wait_for(1, AlertResolved)
    (row,) = await alerter.rows(COLUMNS)
    assert (row["status"], row["resolved_at"], row["ack_by"]) == (
        "RESOLVED",
        resolved.time,
        derived_id("user", "alice"),
    )

    await alerter.append(crash(2))
    await alerter.wait_for(1, AlertRepeated)
    (row,) = await alerter.rows(COLUMNS)
    assert (row["status"], row["resolved_at"], row["ack_by"], row["ack_at"]) == ("OPEN", None, None, None)

    await ask(alerter, {"kind": "suppress", "alert": alert_id})
    await alerter.idle(topology.ALERT_REQUEST_READER)
    await alerter.append(crash(3))
    repeated = await alerter.wait_for(2, AlertRepeated)
    assert [r.event.loud for r in repeated] == [True, False]
    (row,) = await alerter.rows(COLUMNS)
    assert row["status"] == "SUPPRESSED"


async def test_refused_requests_are_answered_and_kept_as_dead_letters(alerter: OneService) -> None:
    unknown = uuid4()
    await ask(alerter, {"kind": "ack", "alert": str(unknown)})
    await ask(alerter, b"please resolve everything", "bob")
    answers = [r.event for r in await alerter.wait_for(2, AlertRequestRejected)]
    letters = {letter.subject: letter for letter in await alerter.dead_letters(2)}
    assert [(a.user, a.code) for a in sorted(answers, key=lambda a: a.user)] == [
        ("alice", "UNKNOWN_ALERT"),
        ("bob", "NOT_JSON"),
    ]
    letter = letters["waymark.request.alert.bob"]
    assert base64.b64decode(letter.body_base64) == b"please resolve everything"
    assert letter.reason.startswith("NOT_JSON: the request is not JSON")
    assert str(unknown) in letters["waymark.request.alert.alice"].reason


async def test_everything_delivered_again_adds_no_event(alerter: OneService) -> None:
    for event in (ready(1), crash(1), crash(2), lost(1), checked(3, 1, 2), compared(), crossed(80), crossed(100)):
        await alerter.append(event)
    await alerter.wait_for(5, AlertRaised)
    await alerter.wait_for(2, AlertRepeated)
    await ask(alerter, {"kind": "ack", "alert": str(alert_key(crash()))})
    await alerter.wait_for(1, AlertAcked)
    await ask(alerter, {"kind": "resolve", "alert": str(alert_key(crash()))})
    await ask(alerter, {"kind": "ack", "alert": str(uuid4())})
    await alerter.wait_for(1, AlertRequestRejected)
    await alerter.append(ready(2))
    await alerter.append(checked(4, 2, 0))
    await alerter.append(lost(2))
    await alerter.wait_for(3, AlertResolved)
    await alerter.wait_for(3, AlertRepeated)
    await alerter.idle(*CONSUMERS)

    before, rows = await alerter.last_seq(), await alerter.rows(COLUMNS)
    await alerter.reset(*CONSUMERS)
    assert await alerter.last_seq() == before

    alerter.platform.kill_service("alerter")
    alerter.platform.start_service("alerter")
    alerter.platform.start_service("alerter", 1)
    await alerter.reset(*CONSUMERS)
    assert await alerter.last_seq() == before
    assert await alerter.rows(COLUMNS) == rows
    await alerter.dead_letters(1)


async def test_two_alerters_raise_one_alert(alerter: OneService) -> None:
    alerter.platform.start_service("alerter", 1)
    for number in range(1, 41):
        await alerter.append(crash(number))
    await alerter.wait_for(1, AlertRaised)
    repeated = await alerter.wait_for(39, AlertRepeated)
    assert [r.event.count for r in repeated] == list(range(2, 41))
    assert len(await alerter.events(Receipt)) == 40
