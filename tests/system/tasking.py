"""Tasks in plain language on a platform: models configured, goals asked for, people who answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.orchestrator import ConfigChanged, PersonAsked, RunFinished, TaskAccepted, TurnTaken
from deploy.embedded.openai_server import MODEL
from deploy.embedded.platform import Platform
from tests.system.exploring import events, matching, next_event
from tests.system.outside import Reached
from tests.tasks.playing import Play, PlayingModel
from tests.tasks.speech import GRAMMARS, Grammar

PLAIN = {"retries": 1, "timeout_s": 10}
_DEEDS = ("text", "launch")
SHOP = "factory:tests.tasks.apps:{}"
USER = "tester"


@dataclass
class Beside:
    """The model as all that tasks reach outside of the phones, for `assert_sound`."""

    model: PlayingModel
    everybody: bool = False

    @property
    def reached(self) -> Reached:
        return Reached(self.model.requests.total, 0, 0)


def phones(variant: str, count: int = 1) -> list[str]:
    return [SHOP.format(variant)] * count


async def configure(
    platform: Platform, model: PlayingModel, grammars: tuple[Grammar, ...] = GRAMMARS, **config: Any
) -> None:
    """One model configuration a grammar, called as the grammar is, in force when this returns."""
    before = len(await events(platform, ConfigChanged))
    for grammar in grammars:
        given = {"base_url": model.base_url, "model": MODEL, "grammar": grammar, **PLAIN}
        seen = {} if grammar == "numbered" else {"vision": True}
        body = {"kind": "set", "config_type": "LLM", "name": grammar, "config": given | seen | config}
        await platform.request(f"waymark.request.config.{USER}", body)
    await next_event(platform, ConfigChanged, count=before + len(grammars))


async def begin(platform: Platform, model: PlayingModel, play: Play, **fields: Any) -> UUID:
    """Asks for the goal of a play on its phone; the task's id. `rules` are added to those of tests, which let all
    be done without a person."""
    model.plays.append(play)
    rules = {"model": play.grammar, "confirm": "allow", **fields.pop("rules", {})}
    name = f"play-{len(model.plays)}"
    task = {"kind": "task", "goal": play.goal, "serial": platform.serials[play.phone], "rules": rules, "name": name}
    return await asked(platform, {**task, **fields}, name)


async def asked(platform: Platform, task: dict[str, Any], name: str) -> UUID:
    """Publishes a request for a task called `name`; its id once it was accepted."""
    await platform.request(f"waymark.request.task.{USER}", task | {"name": name})
    return (await matching(platform, TaskAccepted, lambda event: event.spec.name == name))[0].task_id


async def ended(platform: Platform, task_id: UUID, *, limit_s: float = 120.0) -> RunFinished:
    """The end of a task's run."""
    try:
        return (await matching(platform, RunFinished, lambda event: event.task_id == task_id, limit_s=limit_s))[0]
    except AssertionError as error:
        left = [f"{turn.turn} {turn.verdict} {turn.words} ({turn.reason})" for turn in await turns(platform, task_id)]
        raise AssertionError(f"{error}; its turns: {left}") from error


async def turns(platform: Platform, task_id: UUID) -> list[TurnTaken]:
    return [r.event for r in await events(platform, TurnTaken) if r.event.task_id == task_id]


async def person_asked(platform: Platform, task_id: UUID, count: int = 1) -> PersonAsked:
    """The question number `count` that a task puts to a person."""
    return (await matching(platform, PersonAsked, lambda event: event.task_id == task_id, count=count))[-1]


async def tell(platform: Platform, kind: str, task_id: UUID, **fields: Any) -> None:
    """A control request about a task."""
    await platform.request(f"waymark.request.control.{USER}", {"kind": kind, "task": str(task_id), **fields})


async def touches(platform: Platform, phone: int = 0, since: int = 0) -> list[dict[str, Any]]:
    """What reached a phone, in order."""
    return await platform.control.touches(phone=phone, since=since)


def deeds(touched: list[dict[str, Any]]) -> list[str]:
    """What was done, a word an action: all that one command of the phone's shell touched is one of them, and where it
    typed or launched something, that is what it did."""
    by_cause: dict[int, list[str]] = {}
    for touch in touched:
        by_cause.setdefault(touch["cause"], []).append(touch["detail"])
    return [min(details, key=lambda each: each not in _DEEDS) for details in by_cause.values()]


def texts(touched: list[dict[str, Any]]) -> list[str]:
    return [touch["data"]["text"] for touch in touched if touch["detail"] == "text"]
