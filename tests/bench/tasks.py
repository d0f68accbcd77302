"""Tasks in plain language side by side: the project and, where OPEN_AUTOGLM names a checkout, Open-AutoGLM.

Both have the same simulated phone and the same scripted model, and are measured from outside of both, see ADR 0057.
`WAYMARK_BENCH_LATENCY=real` takes phones with the delays of real ones.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.embedded.platform import SERVICES, Platform
from services.device_agent.adb.client import AdbClient
from tests.bench.contest import Contender, Measured, watch
from tests.bench.own import Own
from tests.bench.own_time import percentile
from tests.bench.peer import Peer, checkout
from tests.bench.replays import Replayed, replayed
from tests.bench.report import Figure, at_most
from tests.bench.steps import folder_for_servers, settled
from tests.system.exploring import PACKAGE
from tests.system.tasking import SHOP, configure, phones
from tests.tasks import buying, places
from tests.tasks.answers import LOW, OTHER, TARGET, Answer, answers
from tests.tasks.apps import CHAT, LABEL
from tests.tasks.moves import Finish, Launch, Move, Say, Tap, Type, touch_of
from tests.tasks.playing import Play, PlayingModel

LATENCY = "WAYMARK_BENCH_LATENCY"
_PHONES = 4
_MAX_STEPS = 40
_FEW_STEPS = 6
_APPS = {LABEL: PACKAGE}
_PACKAGES = {"Settings": "com.android.settings", CHAT: "com.tencent.mm", **_APPS}
_KEYBOARD = "com.android.adbkeyboard/.AdbIME"
OUTCOMES = ("right at once", "right when asked again", "wrong action", "error", "FALSE SUCCESS")


@dataclass
class Results:
    """What one contender was measured at. `outcomes`: of malformed answers, by name of the answer."""

    name: str
    task: Measured
    loop: Measured
    unknown_app: str
    outcomes: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    replay: Replayed | None = None
    """Of the script of the task; none where there are no scripts."""


async def measure() -> list[Figure]:
    """The project with each run of its own, then the peer on phones that were never used."""
    results = [await _measured(None)]
    if (peer := checkout()) is not None:
        results.append(await _measured(peer))
    side_by_side(results)
    return [figure for each in results for figure in (*_figures(each), *_replay_figures(each))]


@asynccontextmanager
async def _ring(peer: Path | None) -> AsyncIterator[tuple[Platform, PlayingModel, Contender]]:
    """Phones, model and one contender. The peer's phones are left alone by the services, which are not started."""
    latency = os.environ.get(LATENCY, "short")
    with folder_for_servers() as folder:
        services = SERVICES if peer is None else ()
        async with (
            Platform(folder, phones=phones("version_1", _PHONES), latency=latency, services=services) as platform,
            PlayingModel(platform.control) as model,
        ):
            for number in range(_PHONES):
                await _shell(platform, number, f"ime enable {_KEYBOARD}")
            if peer is not None:
                yield platform, model, Peer(platform, peer, _APPS)
            else:
                await settled(platform)
                await configure(platform, model, ("autoglm",))
                yield platform, model, Own(platform)


async def _measured(peer: Path | None) -> Results:
    async with _ring(peer) as (platform, model, contender):
        who = "李伟"
        task = Play(buying.goal(who), buying.moves(who), closed=False)
        done = await watch(contender, task, model, platform.control, _MAX_STEPS)
        assert done.ended.succeeded, (contender.name, done.ended, task.missing)
        replay = await replayed(platform) if peer is None else None
        await _search_page(platform, 0)
        round_and_round = Play("一直点搜索框", [Tap("Search the shop")], for_ever=True, closed=False)
        loop = await watch(contender, round_and_round, model, platform.control, _MAX_STEPS)
        results = Results(contender.name, done, loop, await _unknown_app(platform, model, contender), replay=replay)
        results.lost = await _lost_pictures(platform, model, contender)
        results.outcomes = await _malformed(platform, model, contender)
        return results


async def _unknown_app(platform: Platform, model: PlayingModel, contender: Contender) -> str:
    """Whether an app is launched by a name that stands in no table: the browser's."""
    play = Play("打开浏览器", [Launch("Browser"), Finish("好了")], closed=False)
    done = await watch(contender, play, model, platform.control, _FEW_STEPS)
    return "launched" if any(touch["detail"] == "launch" for touch in done.touches) else _ended_words(done)


async def _lost_pictures(platform: Platform, model: PlayingModel, contender: Contender) -> dict[str, str]:
    """What becomes of a tap where the picture before it, or every picture, comes broken off the phone."""
    found: dict[str, str] = {}
    for name, times in (("first picture lost", 1), ("every picture lost", None)):
        await _search_page(platform, 0)
        await platform.control.arm("truncated_png", times=times)
        play = Play(f"点露营灯: {name}", [Tap(TARGET), Finish("好了")], closed=False)
        wanted = await _point(platform, TARGET)
        done = await watch(contender, play, model, platform.control, _FEW_STEPS)
        await platform.control.clear()
        found[name] = judged(done, Tap(TARGET), wanted, first_tries=2, asked=play.asked)
    return found


async def _malformed(platform: Platform, model: PlayingModel, contender: Contender) -> dict[str, str]:
    """Each answer on a fresh search page, on all phones at once."""
    await _search_page(platform, 0)
    at = {name: (await _place(platform, name)).per_mille for name in (TARGET, OTHER)}
    low = await _point(platform, LOW)
    assert max(low) > 999
    corpus = Path(os.environ.get("WAYMARK_CORPUS", "../shared/corpus"))
    waiting = answers({**at, LOW: low}, corpus)
    found: dict[str, str] = {}
    order = [answer.name for answer in waiting]

    async def work(phone: int) -> None:
        while waiting:
            answer = waiting.pop(0)
            found[answer.name] = await _one_answer(platform, model, contender, answer, phone)

    await asyncio.gather(*(work(phone) for phone in range(_PHONES)))
    return {name: found[name] for name in order}


async def _one_answer(platform: Platform, model: PlayingModel, contender: Contender, answer: Answer, phone: int) -> str:
    await _search_page(platform, phone)
    means = answer.means
    wanted = await _point(platform, means.label, phone) if isinstance(means, Tap) else (0, 0)
    moves: list[Move] = [Say(answer.said, means), Finish("好了")]
    play = Play(f"回答 <{answer.name}> 完", moves, phone=phone, closed=False)
    done = await watch(contender, play, model, platform.control, _FEW_STEPS)
    return judged(done, means, wanted, first_tries=2, asked=play.asked)


def judged(done: Measured, means: Move, wanted: tuple[int, int], *, first_tries: int, asked: int) -> str:
    """Which of `OUTCOMES` it is, by what reached the phone and how the task is said to have ended."""
    kind = touch_of(means)
    deeds = [touch for touch in done.touches if touch["detail"] in {"tap", "text", "launch", "swipe", "long_press"}]
    if isinstance(means, Type):  # The field is tapped before.
        deeds = [touch for touch in deeds if touch["detail"] != "tap"]
    right = [touch for touch in deeds if touch["detail"] == kind and _is_meant(touch["data"], means, wanted)]
    if len(right) < len(deeds):
        return "wrong action"
    if not right:
        return "FALSE SUCCESS" if done.ended.succeeded else "error"
    return "right at once" if asked <= first_tries else "right when asked again"


def _is_meant(data: dict[str, Any], means: Move, wanted: tuple[int, int]) -> bool:
    match means:
        case Tap():
            return abs(data["y"] - wanted[1]) <= 90 and abs(data["x"] - wanted[0]) <= 540
        case Type(text):
            return bool(data["text"] == text)
        case Launch(app):
            return bool(data["package"] == _PACKAGES.get(app))
        case _:
            return True


async def _search_page(platform: Platform, phone: int) -> None:
    """The shop on its search page, as nobody has used it."""
    await platform.control.do("play", phone, app=SHOP.format("searching"))
    await _shell(platform, phone, f"monkey -p {PACKAGE} -c android.intent.category.LAUNCHER 1")


async def _place(platform: Platform, label: str, phone: int = 0) -> places.Place:
    return places.centre((await platform.control.surface(phone=phone))["hierarchy"], label)


async def _point(platform: Platform, label: str, phone: int = 0) -> tuple[int, int]:
    place = await _place(platform, label, phone)
    return place.x, place.y


async def _shell(platform: Platform, phone: int, command: str) -> None:
    answer = await AdbClient("127.0.0.1", platform.adb.port).shell(platform.serials[phone], command, 10.0, "bench")
    assert answer.rc == 0, answer


def _ended_words(done: Measured) -> str:
    return "FALSE SUCCESS" if done.ended.succeeded else "error"


def _figures(each: Results) -> list[Figure]:
    own_ms = [step.own_s * 1e3 for step in each.task.steps]
    wall_ms = [step.wall_s * 1e3 for step in each.task.steps]
    own = f"{each.name}: own time a step, median"
    counted = Counter(each.outcomes.values())
    return [
        at_most(own, median(own_ms), "ms", 60.0) if each.name == Own.name else Figure(own, median(own_ms), "ms"),
        Figure(f"{each.name}: own time a step, p95", percentile(own_ms, 95), "ms"),
        Figure(f"{each.name}: time a step, median", median(wall_ms), "ms"),
        Figure(f"{each.name}: steps", len(own_ms), ""),
        Figure(f"{each.name}: adb round trips a step", each.task.round_trips / len(own_ms), ""),
        Figure(f"{each.name}: tokens sent, whole task", each.task.prompt_tokens, "tokens"),
        Figure(f"{each.name}: tokens sent a step", each.task.prompt_tokens / each.task.requests, "tokens"),
        Figure(f"{each.name}: model that loops, requests until it ends", each.loop.requests, ""),
        Figure(f"{each.name}: model that loops, ended as a success", each.loop.ended.succeeded, ""),
        Figure(f"{each.name}: app of no table launched", each.unknown_app == "launched", ""),
        *(Figure(f"{each.name}: {name}, right in the end", said.startswith("right"), "")
          for name, said in each.lost.items()),
        Figure(f"{each.name}: answers", len(each.outcomes), ""),
        *(Figure(f"{each.name}: answers, {outcome}", counted[outcome], "") for outcome in OUTCOMES),
    ]  # fmt: skip


def _replay_figures(each: Results) -> list[Figure]:
    done = each.replay
    if done is None:
        return []
    name = f"{each.name}: replay without a model"
    return [
        at_most(f"{name}, time over the phone's time", done.wall_s / done.phone_s, "", 1.3),
        Figure(f"{name}, time a step", done.wall_s * 1e3 / done.steps, "ms"),
        Figure(f"{name}, adb round trips a step", done.round_trips / done.steps, ""),
        Figure(f"{name}, succeeded", done.succeeded, ""),
    ]


def side_by_side(results: list[Results], console: Console | None = None) -> None:
    """Two tables: figures, and what became of each answer."""
    shown = console or Console()
    figures = Table("", *(each.name for each in results), title="tasks", title_justify="left")
    rows = [_figures(each) for each in results]
    for line in zip(*rows, strict=True):
        name = line[0].name.partition(": ")[2]
        figures.add_row(name, *(f"{figure.value:,.1f} {figure.unit}" for figure in line))
    shown.print(figures)
    answered = Table("answer", *(each.name for each in results), title="malformed answers", title_justify="left")
    for name in results[0].outcomes:
        answered.add_row(name, *(each.outcomes.get(name, "") for each in results))
    shown.print(answered)
