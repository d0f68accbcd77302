"""`tap`, `swipe`, `type`, `press`: one step on a phone, by hand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from contracts.steps import TapStep
from services.cli import by_hand
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, clean, print_json, say

Serial = Annotated[str, typer.Argument(help="Serial of the phone, as `waymark devices` lists it.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for a phone that a run has.")]
Where = Annotated[
    list[str] | None,
    typer.Argument(metavar="X Y | LOCATOR", help='A point, or an element: "text=OK", id=login, //xpath, .. or a text.'),
]
ById = Annotated[str | None, typer.Option("--id", help="Resource id of the element, whole or its name.")]
Patience = Annotated[float, typer.Option("--timeout", min=0, max=60, help="Seconds to look for the element.")]


def tap(
    context: typer.Context,
    serial: Serial,
    where: Where = None,
    by_id: ById = None,
    index: Annotated[int | None, typer.Option(min=0, help="Which of several that match, from 0.")] = None,
    long: Annotated[bool, typer.Option("--long", help="Press it long.")] = False,
    double: Annotated[bool, typer.Option("--double", help="Tap it twice.")] = False,
    timeout: Patience = 3,
    wait: Wait = 3,
    as_json: Json = False,
) -> None:
    """Tap a point or an element of a phone.

    Examples:

      waymark tap emulator-5554 540 1200

      waymark tap emulator-5554 "登录"

      waymark tap emulator-5554 --id login --long
    """
    if long and double:
        raise typer.BadParameter("--long and --double cannot go together")
    kind = "long_press" if long else "double_tap" if double else "tap"
    step = {kind: {"element": _target(where, by_id, index), "timeout_s": timeout}}
    _do(context, serial, step, wait, as_json)


def swipe(
    context: typer.Context,
    serial: Serial,
    how: Annotated[
        list[str], typer.Argument(metavar="UP|DOWN|LEFT|RIGHT | X1 Y1 X2 Y2", help="Where the finger goes.")
    ],
    within: Annotated[str | None, typer.Option(help="Across this element only.")] = None,
    duration: Annotated[int, typer.Option(min=1, max=10_000, help="Milliseconds.")] = 300,
    wait: Wait = 3,
    as_json: Json = False,
) -> None:
    """Drag the finger over a phone. UP shows what lies below.

    Examples:

      waymark swipe emulator-5554 up

      waymark swipe emulator-5554 540 1500 540 300 --duration 100
    """
    stroke: dict[str, Any] = {"duration_ms": duration}
    match how:
        case [direction]:
            stroke |= {"direction": direction} | ({} if within is None else {"within": within})
        case [x1, y1, x2, y2] if within is None:
            stroke |= {"start": f"{x1},{y1}", "end": f"{x2},{y2}"}
        case _:
            raise typer.BadParameter("give a direction (with --within if you like), or four numbers: x1 y1 x2 y2")
    _do(context, serial, {"swipe": stroke}, wait, as_json)


def type_text(
    context: typer.Context,
    serial: Serial,
    text: Annotated[str | None, typer.Argument(help="What to type; any characters.")] = None,
    into: Annotated[str | None, typer.Option(help="The field; without it, the one that has the focus.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="Where the text lies: env:NAME or file:/path of the device-agent.")
    ] = None,
    submit: Annotated[bool, typer.Option("--submit", help="Press Enter afterwards.")] = False,
    timeout: Patience = 3,
    wait: Wait = 3,
    as_json: Json = False,
) -> None:
    """Type into a field of a phone, which is emptied before.

    Examples:

      waymark type emulator-5554 "你好" --into id=search --submit

      waymark type emulator-5554 --secret env:SHOP_PASSWORD --into id=password
    """
    typing = {"text": text, "secret": secret, "into": into, "submit": submit, "timeout_s": timeout}
    _do(context, serial, {"type": {k: v for k, v in typing.items() if v is not None}}, wait, as_json)


def press(
    context: typer.Context,
    serial: Serial,
    key: Annotated[str, typer.Argument(help="back, home, enter, delete, recents, power, wake, volume_up, ..")],
    wait: Wait = 3,
    as_json: Json = False,
) -> None:
    """Press a key of a phone.

    Example:  waymark press emulator-5554 back
    """
    _do(context, serial, {"press": key}, wait, as_json)


def _target(where: list[str] | None, by_id: str | None, index: int | None) -> Any:
    """An element or a point as a step has it."""
    match where or []:
        case [] if by_id is not None:
            target: Any = {"id": by_id}
        case [x, y] if by_id is None:
            target = f"point={x},{y}"
        case [one] if by_id is None:
            target = one
        case _:
            raise typer.BadParameter("say where: two numbers, one locator, or --id")
    if index is None:
        return target
    element = TapStep.model_validate({"tap": target}).tap.element
    return {**element.model_dump(mode="json", exclude_none=True), "index": index}


def _do(context: typer.Context, serial: str, step: dict[str, Any], wait_s: float, as_json: bool) -> None:
    execute(context, lambda session: _carry_out(session, serial, step, wait_s, as_json))


async def _carry_out(session: Session, serial: str, step: dict[str, Any], wait_s: float, as_json: bool) -> None:
    done = await by_hand.carry_out(session, serial, [step], f"by hand: {next(iter(step))}", wait_s=wait_s)
    finished, sighting = done.finished, None if done.action is None else done.action.sighting
    if as_json:
        point = None if sighting is None or sighting.point is None else sighting.point.model_dump()
        print_json({"run": finished.run_id, "status": finished.status, "reason": finished.failure_reason,
                    "point": point, "took_s": round(done.took_s, 3)})  # fmt: skip
        if not done.succeeded:
            raise typer.Exit(ExitCode.FAILED)
        return
    if not done.succeeded:
        raise CliError(clean(finished.failure_reason or finished.status))
    at = "" if sighting is None or sighting.point is None else f" at {sighting.point.x},{sighting.point.y}"
    say(f"{next(iter(step)).replace('_', ' ')}: done{at} ({done.took_s:.2f} s)")
