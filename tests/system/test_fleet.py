"""The fleet over the wire: one task on many phones with test accounts, phones kept back, phones that stay away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.alerter import AlertRaised, AlertResolved
from contracts.orchestrator import (
    FleetAnswered,
    PhoneApps,
    PhoneJoined,
    RunStarted,
    ScheduleFired,
    TaskAccepted,
    TaskSplit,
)
from contracts.values import AlertType, RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import events, finished, next_event, rows, start, until

pytestmark = pytest.mark.system


async def ask(platform: Platform, number: int, **body: Any) -> FleetAnswered:
    """The answer to the `number`-th request of the test."""
    await platform.request("waymark.request.fleet.alice", body)
    answers = await next_event(platform, FleetAnswered, count=number)
    return answers[-1]


async def devices(platform: Platform) -> dict[str, tuple[str, Any]]:
    found = await rows(platform, "SELECT serial, status, tags->>'pool' AS pool FROM device_agent.devices")
    return {row["serial"]: (row["status"], row["pool"]) for row in found}


async def test_a_task_for_all_phones_of_a_pool_runs_on_each_with_an_account_of_its_own(tmp_path: Path) -> None:
    async with Platform(tmp_path, phones=["demo@1", "demo@1", "demo@1"]) as platform:
        await next_event(platform, PhoneApps, count=3)
        first, second, third = sorted(joined.serial for joined in await next_event(platform, PhoneJoined, count=3))
        assert (await ask(platform, 1, kind="tag", serial=first, set={"pool": "结账"})).done
        assert (await ask(platform, 2, kind="tag", serial=second, set={"pool": "结账"})).done
        assert (await ask(platform, 3, kind="quarantine", serial=third, why="the battery swells")).done
        for number, name in ((4, "qa1"), (5, "qa2")):
            answer = await ask(platform, number, kind="account", name=name, pool="shop", fields={"user": name})
            assert answer.done, answer.text
        refused = await ask(platform, 6, kind="quarantine", serial="no-such-phone", why="x")
        assert (refused.done, refused.code) == (False, "UNKNOWN_PHONE")

        await start(platform, id="everywhere", phones="all", where=["pool=结账"], account="shop", max_steps=3)
        runs = await finished(platform, count=2, limit_s=120.0)

        assert [run.status for run in runs] == [RunStatus.SUCCEEDED] * 2, [run.failure_reason for run in runs]
        started = [r.event for r in await events(platform, RunStarted)]
        assert sorted(run.serial for run in started) == [first, second]
        assert sorted(run.account.name for run in started if run.account is not None) == ["qa1", "qa2"]
        (split,) = [r.event for r in await events(platform, TaskSplit)]
        assert {run.task_id for run in started} == set(split.members)
        assert {r.event.spec.group for r in await events(platform, TaskAccepted)} == {None, split.task_id}

        wanted = {first: ("AVAILABLE", "结账"), second: ("AVAILABLE", "结账"), third: ("AVAILABLE", None)}
        await until("the tables", lambda: _equal(devices(platform), wanted))
        assert (await ask(platform, 7, kind="retire", serial=third)).done
        wanted[third] = ("DECOMMISSIONED", None)
        await until("the retired phone", lambda: _equal(devices(platform), wanted))
        assert platform.dead() == []


async def test_people_are_told_of_a_phone_that_stays_away_and_of_its_return(tmp_path: Path) -> None:
    services = ("orchestrator", "device_agent", "alerter")
    environ = {"WAYMARK_OFFLINE_GRACE_S": "1"}
    async with Platform(tmp_path, phones=["demo@1"], services=services, environ=environ) as platform:
        await next_event(platform, PhoneApps)
        await platform.control.stop()
        (alert,) = await next_event(platform, AlertRaised)
        assert alert.alert_type is AlertType.DEVICE_OFFLINE
        await platform.control.start()
        (over,) = await next_event(platform, AlertResolved)
        assert over.alert_id == alert.alert_id


@pytest.mark.slow
async def test_a_schedule_makes_a_task_when_its_time_comes(tmp_path: Path) -> None:
    async with Platform(tmp_path, phones=(), services=("orchestrator",)) as platform:
        await start(platform, id="every minute", schedule="* * * * *", version="1.0")
        (fired,) = await next_event(platform, ScheduleFired, limit_s=90.0)
        assert fired.spec is not None
        task = fired.spec.task_id
        await until("the task", lambda: _some(platform, task), limit_s=10.0)


async def _some(platform: Platform, task: object) -> bool:
    return any(r.event.task_id == task for r in await events(platform, TaskAccepted))


async def _equal(found: Any, wanted: object) -> bool:
    return await found == wanted
