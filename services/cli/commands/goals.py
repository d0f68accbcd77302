"""`run task`, `run replay`: a goal in plain language, and a script that was recorded from one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.requests import GoalRequest
from services.cli.commands.starting import (
    Account,
    Phones,
    Where,
    check,
    pairs,
    placement,
    set_up,
    start,
)
from services.cli.connection import execute
from services.cli.output import Json

Serial = Annotated[str | None, typer.Option(help="Only on this phone.")]
Schedule = Annotated[str | None, typer.Option(help='Again and again, as cron has it: "0 9 * * MON-FRI".')]
Zone = Annotated[str | None, typer.Option(help="Time zone of --schedule, e.g. Asia/Shanghai; without it, UTC.")]
ScheduleAt = Annotated[datetime | None, typer.Option(help="Not before this time (local where it names no zone).")]
Priority = Annotated[int, typer.Option(min=1, max=5, help="1 is first.")]
Model = Annotated[str | None, typer.Option(help="Name of its model configuration; without it, the one in force.")]
TokenBudget = Annotated[int | None, typer.Option(min=0, help="Tokens at most.")]
CostBudget = Annotated[float | None, typer.Option(min=0, help="Money at most, in the currency of the prices.")]
Confirm = Annotated[
    str | None, typer.Option(help="What is sensitive: `ask` a person, `allow` it, `deny` it.", metavar="ask|allow|deny")
]
PersonWait = Annotated[int | None, typer.Option(min=1, help="Seconds for which a person is waited for (600).")]
MaxSteps = Annotated[int | None, typer.Option(min=1, help="Actions at most (100; of a replay 1000).")]
MaxMinutes = Annotated[
    float | None, typer.Option("--max-duration", "--max-minutes", min=0.1, help="Minutes at most (60).")
]
Name = Annotated[str | None, typer.Option(help="What people call this task.")]
OwnId = Annotated[str | None, typer.Option("--id", help="Your own id: sent twice, it starts one task.")]
Watch = Annotated[bool, typer.Option("--watch/--detach", help="Watch it to its end, or only start it.")]


def run_task(
    context: typer.Context,
    goal: Annotated[str, typer.Argument(help="What is to be done, in any language.")],
    app: Annotated[str | None, typer.Option(help="Package of the app that it is about; without, the phone.")] = None,
    serial: Serial = None,
    where: Where = None,
    phones: Phones = None,
    account: Account = None,
    schedule: Schedule = None,
    zone: Zone = None,
    schedule_at: ScheduleAt = None,
    priority: Priority = 3,
    model: Model = None,
    token_budget: TokenBudget = None,
    cost_budget: CostBudget = None,
    max_steps: MaxSteps = None,
    max_minutes: MaxMinutes = None,
    allow_package: Annotated[
        list[str] | None, typer.Option(help="Touch these apps only (`com.example.*`); repeat it.")
    ] = None,
    deny_package: Annotated[list[str] | None, typer.Option(help="Never touch these apps; repeat it.")] = None,
    allow_action: Annotated[
        list[str] | None, typer.Option(help="Only these actions: TAP, TYPE, ..; repeat it.")
    ] = None,
    deny_action: Annotated[list[str] | None, typer.Option(help="Never these actions; repeat it.")] = None,
    confirm: Confirm = None,
    person_wait: PersonWait = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Keep no script of it.")] = False,
    setup: Annotated[Path | None, typer.Option(help="Steps that are done once before (YAML or JSON).")] = None,
    var: Annotated[
        list[str] | None, typer.Option("--set", "--var", metavar="NAME=TEXT", help="What {{NAME}} in them stands for.")
    ] = None,
    name: Name = None,
    own_id: OwnId = None,
    watch: Watch = True,
    as_json: Json = False,
) -> None:
    """Reach a goal that is given in plain language: a model says what to do, turn by turn.

    Watched, each turn is told as it is taken: what the model thinks, what is done, what came of it, and loudly where a
    person is asked. The exit code is the outcome of the run.

    Examples:

      waymark run task "打开设置，把字体调到最大"

      waymark run task "search for tents and put the cheapest into the cart" --app com.example.shop --confirm deny

      waymark run task "read the three newest messages" --token-budget 50000 --deny-action TYPE --detach

      waymark run task "check in" --app com.example.work --schedule "0 9 * * MON-FRI" --zone Asia/Shanghai

      waymark run task "log out" --app com.example.shop --phones all --where pool=lab
    """
    rules = {
        **_spending(model, token_budget, cost_budget, confirm, person_wait),
        "allow_packages": allow_package, "deny_packages": deny_package,
        "allow_actions": _upper(allow_action), "deny_actions": _upper(deny_action),
        "record": False if no_record else None,
    }  # fmt: skip
    body: dict[str, Any] = {
        "kind": "task", "goal": goal, "app": app, "serial": serial, "rules": _given(rules) or None,
        **placement(where, phones, account), "name": name, "id": own_id, "priority": priority,
        **_when(schedule, zone, schedule_at), **set_up(setup, var),
        "limits": _limits(max_steps, max_minutes, GoalRequest.model_fields["limits"].default.max_steps) or None,
    }  # fmt: skip
    _start(context, body, watch=watch, as_json=as_json)


def replay(
    context: typer.Context,
    script: Annotated[str, typer.Argument(help="Id of a script, or its name; `waymark scripts list` has them.")],
    version: Annotated[int | None, typer.Option(min=1, help="Without it, the newest that is active.")] = None,
    var: Annotated[
        list[str] | None,
        typer.Option("--set", "--var", metavar="NAME=TEXT", help="A parameter; else what was recorded. Repeat it."),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Ask a model for a step whose element is gone; it is a new version then.")
    ] = False,
    serial: Serial = None,
    where: Where = None,
    phones: Phones = None,
    account: Account = None,
    schedule: Schedule = None,
    zone: Zone = None,
    schedule_at: ScheduleAt = None,
    priority: Priority = 3,
    model: Model = None,
    token_budget: TokenBudget = None,
    cost_budget: CostBudget = None,
    confirm: Confirm = None,
    person_wait: PersonWait = None,
    max_steps: MaxSteps = None,
    max_minutes: MaxMinutes = None,
    name: Name = None,
    own_id: OwnId = None,
    watch: Watch = True,
    as_json: Json = False,
) -> None:
    """Do again what a script recorded, without a model. Where a screen or an element is another one, it stops.

    Examples:

      waymark run replay "order a tent" --set query=帐篷

      waymark run replay 0198c2ab-6a51-7c3e-9d43-5f2f6a0f8f11 --version 2 --repair

      waymark run replay "check in" --phones 10 --detach
    """
    rules = _spending(model, token_budget, cost_budget, confirm, person_wait)
    body: dict[str, Any] = {
        "kind": "replay", "script": script, "script_version": version, "variables": pairs(var) or None,
        "repair": repair or None, "serial": serial, "rules": _given(rules) or None,
        **placement(where, phones, account), "name": name, "id": own_id, "priority": priority,
        **_when(schedule, zone, schedule_at), "limits": _limits(max_steps, max_minutes) or None,
    }  # fmt: skip
    _start(context, body, watch=watch, as_json=as_json)


def _start(context: typer.Context, body: dict[str, Any], *, watch: bool, as_json: bool) -> None:
    """A schedule is set and not watched: it has no run of its own."""
    request = _given(body)
    check(request)
    follow = watch and "schedule" not in request
    execute(context, lambda s: start(s, request, wait=follow, follow=follow, as_json=as_json))


def _spending(
    model: str | None, token_budget: int | None, cost_budget: float | None, confirm: str | None, person_wait: int | None
) -> dict[str, Any]:
    return {
        "model": model,
        "token_budget": token_budget,
        "cost_budget": None if cost_budget is None else f"{cost_budget:f}",
        "confirm": confirm,
        "person_wait_s": person_wait,
    }


def _when(schedule: str | None, zone: str | None, schedule_at: datetime | None) -> dict[str, Any]:
    at = None if schedule_at is None else schedule_at.astimezone(UTC).isoformat()
    return {"schedule": schedule, "zone": zone, "schedule_at": at}


def _limits(max_steps: int | None, max_minutes: float | None, default_steps: int | None = None) -> dict[str, Any]:
    """Limits that are named replace all of a request's own, so the number of actions is always named with them."""
    if max_steps is None and max_minutes is None:
        return {}
    max_duration_s = None if max_minutes is None else round(max_minutes * 60)
    return _given({"max_steps": max_steps or default_steps, "max_duration_s": max_duration_s})


def _upper(names: list[str] | None) -> list[str] | None:
    return None if names is None else [name.upper() for name in names]


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}
