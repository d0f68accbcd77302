"""The report of a task in plain language: each step with its picture, what was thought, what came of it, its cost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest
from typer.testing import CliRunner

from contracts.event import Event
from contracts.values import ObjectRef
from deploy.embedded.stack import Stack
from services.cli.__main__ import app
from services.cli.errors import ExitCode
from services.cli.report.model import Picture
from services.cli.report.page import render_task
from services.cli.report.story import story
from services.cli.report.task_model import CardView, Remark, ScriptView, TaskReport
from services.runtime.log import Cause, Log, Write
from services.runtime.objects import Objects
from services.runtime.provision import key_bucket, provision
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.settings import Settings
from tests.cli import reports
from tests.cli.test_report import Page
from tests.orchestrator import task_runs as told
from tests.orchestrator.stories import BEGIN, recorded


def events(*given: Event) -> list[Any]:
    return [recorded(event, seq, BEGIN + timedelta(seconds=seq)) for seq, event in enumerate(given, 1)]


def made_up(cards: int) -> TaskReport:
    """A report with everything in it, in texts that mean harm."""
    picture = Picture(1080, 1920, reports.small(1))
    absent = Picture(1080, 1920, absent="the app forbids pictures")
    tones = ("good", "bad", "warn", "plain")
    return TaskReport(
        run_id=told.RUN_ID, task_id=told.TASK_ID, kind="task", name=reports.text(1), goal=reports.text(0),
        user="alice", package="com.example.shop", version="2.0", serial="p1", phone=reports.text(2), status="FAILED",
        reason=reports.text(3), result=reports.text(4), started_at=BEGIN, ended_at=BEGIN + timedelta(seconds=42),
        actions=3, successful=2, notes=((reports.text(1), reports.text(2)),), rules=(reports.text(0),),
        cards=tuple(
            CardView(
                number=number, label=f"turn {number}", at=BEGIN, words=reports.text(number),
                picture=picture if number % 4 else absent, point=(540, 900) if number % 2 else None,
                end=(540, 300) if number % 5 == 0 else None, screen=reports.text(number + 1),
                verdict=("ACT", "MISREAD", "ASK", "FINISH")[number % 4], thinking=reports.text(number + 2),
                typed=reports.text(number), came=reports.text(number + 3), done=(True, False, None)[number % 3],
                remarks=(Remark(reports.text(number), reports.text(number + 1), tones[number % 4]),),
                prompt_tokens=1000, completion_tokens=50, cost=Decimal("0.0105"), model_ms=900, attempts=2,
                phone_ms=310,
            )
            for number in range(1, cards + 1)
        ),
        script=ScriptView(told.SCRIPT_ID, 2, reports.text(0), "REPAIRED", (reports.text(1),), ("query",),
                          (reports.text(2),)),
        crashes=reports.report(1).crashes, written_at=reports.AT,
    )  # fmt: skip


def test_each_step_has_its_picture_with_the_touched_point_its_thinking_its_result_and_its_cost() -> None:
    report = replace(made_up(8), crashes=())
    page = Page(render_task(report))
    assert [f"step-{card.number}" for card in report.cards] == [i for i in page.ids if i.startswith("step-")]
    assert len(page.ids) == len(set(page.ids))
    assert page.count("article") == 8
    touched = sum(card.point is not None for card in report.cards)
    assert page.count("circle") == 2 * touched  # beside its step, and at a glance
    assert page.count("line") == 2
    assert page.count("image") == 1
    text = " ".join("".join(page.texts).split())
    assert text.count("1050 tokens (1000 + 50) · cost 0.0105 · model 900 ms, asked 2 times · phone 310 ms") == 8
    assert f"waymark run replay {told.SCRIPT_ID} --set query=.." in text
    links = {str(a["href"]) for tag, a in page.tags if tag in {"a", "use"}}
    assert {link[1:] for link in links} <= set(page.ids)


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    html = render_task(made_up(8))
    page = Page(html)
    assert page.count("script") == 1
    assert page.count("iframe") == page.count("img") == 0
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    text = "".join(page.texts)
    assert all(hostile in text for hostile in reports.HOSTILE[:5])
    assert "\x1b" not in html
    assert render_task(made_up(8)) == html


def test_a_task_that_did_nothing_and_one_of_two_hundred_turns_have_pages() -> None:
    bare = replace(made_up(0), ended_at=None, reason=None, result="", rules=(), script=None, crashes=(), notes=())
    assert "Nothing was done." in "".join(Page(render_task(bare)).texts)
    assert len(render_task(made_up(200)).encode()) < 2_000_000


def test_the_story_tells_every_turn_with_what_belongs_to_it() -> None:
    found = story(events(*told.whole_task()))
    assert [card.label for card in found.cards] == [f"turn {n}" for n in (1, 2, 3, 4, 5, 8)]
    tapped, garbage, typed, away, paid, _ = found.cards
    assert (tapped.point, tapped.done, tapped.came) == (told.Point(x=200, y=240), True, "new screen")
    assert tapped.picture == told.picture("after 1")
    assert [remark.heading for remark in garbage.remarks] == ["Not understood"]
    assert (typed.done, typed.remarks[0].heading) == (False, "The phone did not do it")
    assert "abcdef123" not in typed.remarks[0].text
    assert [remark.heading for remark in away.remarks] == ["The model did not answer", "The model is away, try 1"]
    assert [remark.heading for remark in paid.remarks] == [
        "A person is asked (confirm)", "Confirmed by bob", "Noted", "Call summary, HTTP 200"]  # fmt: skip
    assert (paid.done, paid.phone_ms) == (True, 310)
    assert found.notes == [("购物车", "¥12")]
    assert found.script is not None
    assert all(told.PASSWORD not in repr(one) for one in story(events(*told.whole_task()), reveal=True).cards)


def test_the_story_of_a_replay_has_a_card_a_step_with_its_guard() -> None:
    first, second = story(events(*told.whole_replay())).cards
    assert (first.label, first.words, first.done) == ("step 1 of 2", "tap id=search", True)
    assert [remark.heading for remark in first.remarks] == ["Found by another locator", "Guard"]
    assert second.picture == told.picture("after 1")
    assert second.point == told.element("搜索").bounds.centre
    assert [remark.heading for remark in second.remarks] == ["The guard did not hold"]


@pytest.mark.system
async def test_the_report_of_a_task_needs_the_log_and_the_pictures_alone(stack: Stack, tmp_path: Path) -> None:
    """With an address at which no PostgreSQL listens."""
    settings = Settings.model_validate(
        {name.removeprefix("WAYMARK_").lower(): value for name, value in stack.environ().items()}
    )
    client = await nats.connect(stack.nats_url)
    js = client.jetstream(timeout=10)
    await provision(js)
    log = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
    async with Objects(settings.store()) as objects:
        shown = await objects.put(reports.png(1), "png")
    known: dict[tuple[str, Any], int] = {}
    for number, event in enumerate(told.whole_task()):
        place = (event.OWNER, event.key)
        told_of = with_picture(event, shown)
        cause = Cause(uuid4(), "test", getattr(event, "run_id", None), None)
        write = Write(*place, known.get(place, 0), (told_of,))
        (kept,) = await log.append([write], cause, BEGIN + timedelta(seconds=number))
        known[place] = kept.seq
    await client.close()
    path = tmp_path / "report.html"
    env = {**stack.environ(), "WAYMARK_POSTGRES_DSN": "postgresql://u:p@127.0.0.1:1/none", "WAYMARK_USER": "alice"}
    command = ["report", str(told.RUN_ID), "-o", str(path)]
    result = await asyncio.to_thread(CliRunner().invoke, app, command, env=env)
    assert result.exit_code == ExitCode.OK, result.output
    html = path.read_text()
    page = Page(html)
    assert page.count("article") == 6
    assert page.count("image") == 1
    text = "".join(page.texts)
    for wanted in (told.GOAL, "订好了", "先点搜索框。", "¥12", "12 in all", "Confirmed by bob", "version 1"):
        assert wanted in text
    assert told.PASSWORD not in html


def with_picture(event: Event, shown: ObjectRef) -> Event:
    return event.model_copy(update={"screenshot": shown}) if getattr(event, "screenshot", None) else event
