"""Two recorded apps explored for real, all services at work: a recording is a run like any other.

What the phone's trace tells is compared with what is stored. That ten seeds see enough, and never later than other
policies, is tested with the run's decisions alone (`tests/orchestrator/test_recordings.py`); here those decisions must
ask for the very same actions, so what holds there holds here.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from contracts.orchestrator import ActionRequested, RunFinished
from contracts.requests import CoverageConfig
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from deploy.simulator.recordings import RecordedWorld
from tests.orchestrator.walking import Walk
from tests.recorded import ALBUM, YELP, App, needs_corpus
from tests.system.exploring import captured, caught_up, events, finished, start, store, taps_in_tables, verify
from tests.system.referee import delivered, judge, taps, visited

pytestmark = [pytest.mark.system, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module"), needs_corpus]

APPS = (YELP, ALBUM)
SEED = 6
"""One of those that see everything: at ten seeds the median counts, at one there should be something to spare."""
NINE_TENTHS = 0.9


@dataclass(frozen=True)
class Explored:
    """A platform whose phones have been explored to the end, and everything projected. Runs are in the order of
    `APPS`."""

    platform: Platform
    runs: list[RunFinished]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def explored(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Explored]:
    folder = tmp_path_factory.mktemp("recordings")
    phones = [f"recording:{app.folder}" for app in APPS]
    async with Platform(folder, phones=phones, seed=SEED) as platform:
        for app in APPS:
            await start(
                platform,
                app=app.package,
                coverage={"packages": app.further},
                max_steps=app.pairs,
                validate_locators=False,
                seed=SEED,
            )
        ended = {run.app.package: run for run in await finished(platform, count=len(APPS), limit_s=240)}
        await caught_up(platform)
        yield Explored(platform, [ended[app.package] for app in APPS])


async def test_runs_end_well_in_the_version_that_the_phone_has(explored: Explored) -> None:
    assert [(run.status, run.failure_reason) for run in explored.runs] == [(RunStatus.SUCCEEDED, None)] * len(APPS)
    assert [run.app.version_name for run in explored.runs] == [app.recording.version_name for app in APPS]
    assert explored.platform.dead() == []


async def test_nine_tenths_of_the_states_are_visited_within_the_number_of_gestures(explored: Explored) -> None:
    for number, (app, run) in enumerate(zip(APPS, explored.runs, strict=True)):
        seen = await visited(explored.platform, number)
        within = {state for state, at in seen.items() if at <= app.pairs}
        sys.stdout.write(
            f"\n{app.package}: {len(within & app.reachable)} of {len(app.reachable)} states, "
            f"{run.total_actions} actions, {app.pairs} pairs, {run.metrics}"
        )
        assert seen.keys() <= app.reachable
        assert len([one for one in await asked(explored.platform, run) if one.purpose != "RESTORE"]) <= app.pairs
        assert len(within & app.reachable) >= NINE_TENTHS * len(app.reachable)


async def test_the_services_ask_for_the_gestures_that_the_decisions_alone_ask_for(explored: Explored) -> None:
    """On Album, where nothing changes by itself: how fast a machine is makes no difference."""
    number = APPS.index(ALBUM)
    steps = await asked(explored.platform, explored.runs[number])
    assert [(one.purpose, one.gesture_id) for one in steps] == [
        (one.purpose, one.gesture_id) for one in walk(ALBUM).actions
    ]


async def test_what_adb_delivered_is_what_is_stored_byte_for_byte(explored: Explored) -> None:
    left, refs = await delivered(explored.platform), await captured(explored.platform)
    assert len(refs) == 2 * sum(run.total_actions for run in explored.runs)
    async with store(explored.platform) as objects:
        kept = {ref.key: hashlib.sha256(await objects.get(ref.key)).hexdigest() for ref in set(refs)}
    assert [ref.key for ref in refs if not kept[ref.key] == ref.sha256 in left] == []


async def test_taps_in_the_tables_are_the_taps_that_reached_the_phone(explored: Explored) -> None:
    for number, run in enumerate(explored.runs):
        kept = await taps_in_tables(explored.platform, run.run_id)
        assert len(kept) > 50
        assert kept == await taps(explored.platform, number)


async def test_no_action_reaches_a_phone_twice_or_past_its_fence(explored: Explored) -> None:
    for number in range(len(APPS)):
        verdict = await judge(explored.platform, number)
        assert verdict.repeated == {}
        assert verdict.unfenced == []


async def test_verify_finds_nothing_dangling(explored: Explored) -> None:
    code, said = await verify(explored.platform)
    assert code == 0, said


async def asked(platform: Platform, run: RunFinished) -> list[ActionRequested]:
    return [r.event for r in await events(platform, ActionRequested) if r.event.run_id == run.run_id]


def walk(app: App) -> Walk:
    """The same exploration without services."""
    world = RecordedWorld(app.recording, SEED)
    coverage = CoverageConfig(packages=app.further)
    alone = Walk(world, app.package, app.recording.version_name, SEED, app.pairs, coverage=coverage)
    alone.go()
    return alone
