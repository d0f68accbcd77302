"""`shot`, `dump`, `locate`: what a phone shows, and how to address it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.values import Point
from services.cli import by_hand, locating
from services.cli.by_hand import Looked
from services.cli.commands.by_hand import Serial, Wait
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, clean, complain, lines, print_json, say, show
from services.hierarchy.targets import Screen

Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write; - or none is standard output.")]


def shot(context: typer.Context, serial: Serial, output: Output = None, wait: Wait = 3) -> None:
    """Take a screenshot (PNG) of a phone. While a run has it, it is that run's newest one.

    Example:  waymark shot emulator-5554 -o screen.png
    """

    async def command(session: Session) -> None:
        looked = await _look(session, serial, wait)
        capture = looked.capture
        png = await by_hand.stored(session, capture.screenshot, "screenshot", capture.screenshot_absent)
        _write(output, png)

    execute(context, command)


def dump(
    context: typer.Context,
    serial: Serial,
    output: Output = None,
    tree: Annotated[bool, typer.Option("--tree", help="One line a node, indented, instead of XML.")] = False,
    wait: Wait = 3,
) -> None:
    """Write the hierarchy (XML) of the screen in front. While a run has the phone, it is that run's newest one.

    Examples:

      waymark dump emulator-5554 | xmllint --format -

      waymark dump emulator-5554 --tree
    """

    async def command(session: Session) -> None:
        looked = await _look(session, serial, wait)
        xml = await _hierarchy(session, looked)
        if not tree:
            _write(output, xml)
            return
        told = [clean(line) for line in locating.tree_lines(locating.read_screen(xml, looked.capture).tree)]
        _write(output, ("\n".join(told) + "\n").encode())

    execute(context, command)


def locate(
    context: typer.Context,
    serial: Serial,
    where: Annotated[list[str], typer.Argument(metavar="LOCATOR | X Y", help="A locator to try, or a point.")],
    every: Annotated[bool, typer.Option("--all", help="What cannot be seen, too.")] = False,
    wait: Wait = 3,
    as_json: Json = False,
) -> None:
    """Show what a locator addresses on the screen in front; for a point, the best locators of what is there.

    The exit code is 0 only where exactly one element that can be seen is addressed.

    Examples:

      waymark locate emulator-5554 "text=登录"

      waymark locate emulator-5554 "//android.widget.Button[@enabled='true']" --all

      waymark locate emulator-5554 540 1200
    """

    async def command(session: Session) -> None:
        looked = await _look(session, serial, wait)
        screen = locating.read_screen(await _hierarchy(session, looked), looked.capture)
        match where:
            case [locator]:
                _matches(screen, locator, every=every, as_json=as_json)
            case [x, y] if x.isdigit() and y.isdigit():
                _proposals(screen, Point(x=int(x), y=int(y)), looked, as_json=as_json)
            case _:
                raise CliError("give one locator (in quotes), or a point as two numbers", ExitCode.USAGE)

    execute(context, command)


def _matches(screen: Screen, locator: str, *, every: bool, as_json: bool) -> None:
    target, found = locating.locate(screen, locator)
    seen = [one for one in found if one.seen]
    rows = [one.as_row() for one in (found if every else seen)]
    columns = {"class": "class", "id": "id", "text": "text", "bounds": "bounds", "seen": "seen"}
    show(rows, columns, as_json=as_json, empty=locating.nothing(screen, target))
    if not as_json:
        hidden = f", {len(found) - len(seen)} more cannot be seen" if len(found) > len(seen) else ""
        say(f"{len(seen)} of {len(screen.tree)} nodes{hidden}" + ("" if len(seen) == 1 else ": not unique"))
    if len(seen) != 1:
        raise typer.Exit(ExitCode.FAILED if found else ExitCode.NOT_FOUND)


def _proposals(screen: Screen, point: Point, looked: Looked, *, as_json: bool) -> None:
    told: list[dict[str, Any]] = []
    for node in locating.at_point(screen, point):
        candidates = locating.proposals(screen, node, looked.capture)
        rows = [
            {
                "rank": rank,
                "strategy": "UiSelector" if one.strategy == "CUSTOM" else one.strategy.value,
                "locator": locating.as_written(one),
                "score": one.score,
                "flags": ", ".join(one.dynamic_flags),
            }
            for rank, one in enumerate(candidates, 1)
        ]
        told.append({"element": locating.found_at(screen, node).as_row(), "locators": rows})
    if as_json:
        print_json(told)
        return
    columns = {"rank": "rank", "strategy": "strategy", "locator": "locator", "score": "score", "flags": "may change"}
    for number, one in enumerate(told):
        element = one["element"]
        names = " ".join(clean(part) for part in (element["class"], element["id"], element["text"]) if part)
        lines([("takes the tap: " if number else "") + f"{names} {element['bounds']}"])
        show(one["locators"], columns, as_json=False, empty="No locator addresses it alone.")


async def _look(session: Session, serial: str, wait_s: float) -> Looked:
    looked = await by_hand.look(session, serial, wait_s=wait_s)
    if looked.of is not None:
        age_s = looked.age_s(session.clock.now())
        complain(f"{looked.of.words} has the phone; this is what it saw {age_s:.1f} s ago")
    return looked


async def _hierarchy(session: Session, looked: Looked) -> bytes:
    capture = looked.capture
    return await by_hand.stored(session, capture.hierarchy, "hierarchy", capture.hierarchy_absent)


def _write(output: Path | None, content: bytes) -> None:
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    output.write_bytes(content)
    say(f"{output}: {len(content)} bytes")
