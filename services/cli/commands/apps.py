"""`screens`, `locators`, `diff`: what was found in an app."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
import typer

from contracts.screen_indexer import VersionsCompared
from contracts.subjects import event_filter
from services.cli import queries
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, Limit, clean, print_json, say, show

App = Annotated[str | None, typer.Option(help="Package of the app.")]


def screens(
    context: typer.Context,
    app: App = None,
    version: Annotated[str | None, typer.Option(help="Version name.")] = None,
    run: Annotated[
        str | None, typer.Option(help="Only those that this run saw (id, its beginning, or `last`).")
    ] = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """List screens, by app and version in the order they were found.

    Examples:

      waymark screens --app com.example.shop --version 2.1.0

      waymark screens --run last --json
    """

    async def command(session: Session) -> None:
        sql = await session.sql()
        run_id = None if run is None else (await queries.find_run(sql, run))[0]
        rows = await queries.screens(sql, limit, app=app, version=version, run=run_id)
        columns = {"id": "screen", "name": "name", "app": "app", "version": "version", "activity": "activity",
                   "elements": "elements", "locators": "locators"}  # fmt: skip
        show(rows, columns, as_json=as_json, empty="No screens: `waymark run explore --app PACKAGE` finds some.")

    execute(context, command)


def locators(
    context: typer.Context,
    screen: Annotated[str | None, typer.Argument(help="Id of a screen, its beginning, or its name.")] = None,
    element: Annotated[str | None, typer.Option(help="Id of an element, or its beginning.")] = None,
    as_json: Json = False,
) -> None:
    """List the locators of a screen or an element, best first, with what checking them on a phone gave.

    Examples:

      waymark locators Checkout

      waymark locators --element 5f0c19 --json
    """
    if (screen is None) == (element is None):
        raise typer.BadParameter("name a screen, or an element with --element", param_hint="SCREEN")

    async def command(session: Session) -> None:
        sql = await session.sql()
        rows = await queries.locators(
            sql,
            screen=None if screen is None else await queries.find_screen(sql, screen),
            element=None if element is None else await queries.find_element(sql, element),
        )
        columns = {"element": "element", "rank": "rank", "strategy": "strategy", "locator_value": "value",
                   "score": "score", "success_rate": "success %", "last_verified_at": "checked",
                   "is_primary": "primary", "id": "locator"}  # fmt: skip
        show(rows, columns, as_json=as_json, empty="No locators: this screen has no element that can be addressed.")

    execute(context, command)


def diff(
    context: typer.Context,
    base: Annotated[str, typer.Argument(metavar="V1", help="Version name to compare with.")],
    target: Annotated[str, typer.Argument(metavar="V2", help="Newer version name.")],
    app: App = None,
    as_json: Json = False,
) -> None:
    """Show what changed between two versions: screens, elements, locators that broke or are at risk.

    Versions are compared when a FULL run of the newer one has finished.

    Examples:

      waymark diff 1.0 2.0

      waymark diff 1.0 2.0 --app com.example.shop --json
    """

    async def command(session: Session) -> None:
        sql = await session.sql()
        pair = await _pair(sql, base, target, app)
        rows = await queries.diffs(sql, pair["base_id"], pair["target_id"])
        compared = await _compared(session, pair)
        if not rows and compared is None:
            raise CliError(
                f"{pair['app']} {base} and {target} have not been compared: that happens when a FULL run of {target}"
                " ends",
                ExitCode.NOT_FOUND,
            )
        details = {row["id"]: await _detail(session, row) for row in rows}
        if as_json:
            whole = None if compared is None else compared.model_dump(mode="json")
            print_json({"versions": whole, "screens": [row | {"detail": details[row["id"]]} for row in rows]})
            return
        _print(rows, details, compared)

    execute(context, command)


async def _pair(sql: asyncpg.Connection, base: str, target: str, app: str | None) -> dict[str, Any]:
    pairs = await queries.version_pairs(sql, base, target, app)
    if not pairs:
        which = "no app" if app is None else app
        raise CliError(
            f"{which} has both versions {base} and {target}; `waymark runs` lists versions", ExitCode.NOT_FOUND
        )
    if len(pairs) > 1:
        apps = ", ".join(pair["app"] for pair in pairs)
        raise CliError(f"several apps have these versions: choose with --app ({apps})", ExitCode.USAGE)
    return pairs[0]


async def _compared(session: Session, pair: dict[str, Any]) -> VersionsCompared | None:
    """The last comparison of exactly these two; it names the screens that have no partner."""
    app_id: UUID = pair["app_id"]
    found = await (await session.log()).last(event_filter(VersionsCompared, key=app_id))
    event = None if found is None else found.event
    if not isinstance(event, VersionsCompared):
        return None
    same = (event.base_version_id, event.target_version_id) == (pair["base_id"], pair["target_id"])
    return event if same else None


async def _detail(session: Session, row: dict[str, Any]) -> Any:
    return (
        None
        if row["diff_detail_path"] is None
        else orjson.loads(await (await session.objects()).get(row["diff_detail_path"]))
    )


def _print(rows: list[dict[str, Any]], details: dict[UUID, Any], compared: VersionsCompared | None) -> None:
    if compared is not None:
        say(f"{compared.package} {compared.base_version} → {compared.target_version}", style="bold")
        say(f"{compared.pairs} screens in both, {compared.changed} of them changed; {compared.broken} locators broken,"
            f" {compared.at_risk} at risk")  # fmt: skip
        for name in compared.dropped:
            say(f"- {clean(name)} (dropped)", style="red")
        for name in compared.added:
            say(f"+ {clean(name)} (added)", style="green")
    counts = ("added", "removed", "changed", "broken", "at_risk")
    table = [{"screen": row["screen"], **{name: row["diff_summary"].get(name, 0) for name in counts}} for row in rows]
    changed = [row for row in table if any(row[name] for name in counts)]
    show(
        changed,
        {name: name.replace("_", " ") for name in ("screen", *counts)},
        as_json=False,
        empty="No screen changed.",
    )
    for row in rows:
        for fate in (details[row["id"]] or {}).get("fates", ()):
            style = "red" if fate["risk"] == "BROKEN" else "yellow"
            primary = ", primary" if fate["is_primary"] else ""
            say(f"{fate['risk'].lower().replace('_', ' ')}: {clean(row['screen'])}: {fate['strategy']}{primary}"
                f" {clean(fate['locator_value'])}: {fate['why']}", style=style)  # fmt: skip
