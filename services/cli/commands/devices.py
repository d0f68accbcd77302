"""`devices ..`: the phones, who has them, and what people make of them: tags, reservations, quarantine."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from services.cli import asking, fleet, queries
from services.cli.commands.doctor import doctor
from services.cli.connection import Session, execute
from services.cli.errors import CliError
from services.cli.output import Json, say, show

devices_app = typer.Typer(help="The phones: list them, tag them, keep them for somebody or away from everybody.")
devices_app.command("doctor")(doctor)

Serial = Annotated[str, typer.Argument(help="Serial of the phone, as `waymark devices list` has it.")]
Why = Annotated[str, typer.Option(help="Why; everybody who asks for the phone is told.")]
WhyNot = Annotated[str | None, typer.Option("--why", help="Why; it is kept.")]

_COLUMNS = {"serial": "serial", "model": "model", "os_version": "Android", "status": "status", "leased_by": "run",
            "kept": "kept", "waiting": "waiting", "shown_tags": "tags", "runs": "runs",
            "last_heartbeat_at": "last seen"}  # fmt: skip
_HIDDEN_TAGS = {"api", "os", "manufacturer", "abi", "type", "resolution", "model", "serial"}
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


@devices_app.callback(invoke_without_command=True)
def devices(context: typer.Context, as_json: Json = False) -> None:
    """The phones: list them, tag them, keep them for somebody or away from everybody.

    Without a command it lists them.  Example:  waymark devices --json | jq -r '.[] | select(.lease == null) | .serial'
    """
    if context.invoked_subcommand is None:
        _list(context, as_json=as_json)


@devices_app.command("list")
def list_devices(context: typer.Context, as_json: Json = False) -> None:
    """List phones: state, the run that has each, for whom it is kept, how many tasks wait for it, tags.

    Example:  waymark devices list --json | jq -r '.[] | select(.tags.pool == "checkout") | .serial'
    """
    _list(context, as_json=as_json)


def _list(context: typer.Context, *, as_json: bool) -> None:
    async def command(session: Session) -> None:
        rows = await queries.devices(await session.sql())
        facts = fleet.phone_facts(await fleet.fleet_of(session), session.clock.now())
        unknown: dict[str, Any] = {"own_tags": {}, "lease": None, "leased_by": None, "reserved": None,
                                   "quarantine": None, "kept": None, "waiting": 0}  # fmt: skip
        shown = [row | facts.get(row["id"], unknown) for row in rows]
        if not as_json:
            shown = [row | {"shown_tags": _tags(row["tags"])} for row in shown]
        empty = "No phone yet: connect one to the adb server that the device-agent uses."
        show(shown, _COLUMNS, as_json=as_json, empty=empty)

    execute(context, command)


def _tags(tags: dict[str, str]) -> str:
    return " ".join(f"{tag}={value}" for tag, value in sorted(tags.items()) if tag not in _HIDDEN_TAGS)


@devices_app.command()
def tag(
    context: typer.Context,
    serial: Serial,
    changes: Annotated[list[str], typer.Argument(help="`tag=value` sets one, `tag-` removes it.")],
) -> None:
    """Set and remove tags, which `--where` selects by.

    Example:  waymark devices tag R5CR30 pool=checkout rack-
    """
    wanted: dict[str, str] = {}
    removed: list[str] = []
    for change in changes:
        name, equals, value = change.partition("=")
        if equals and name and value:
            wanted[name] = value
        elif not equals and len(change) > 1 and change.endswith("-"):
            removed.append(change[:-1])
        else:
            raise typer.BadParameter(f"{change!r} is neither `tag=value` nor `tag-`")
    ask(context, {"kind": "tag", "serial": serial, "set": wanted, "remove": removed})


@devices_app.command()
def reserve(
    context: typer.Context,
    serial: Serial,
    until: Annotated[str, typer.Option(help="For how long (30m, 2h, 3d), or until when (2026-05-01T18:00).")],
    why: Why,
    for_user: Annotated[str | None, typer.Option("--for", help="For whom; without it, for you.")] = None,
) -> None:
    """Keep a phone for one user's tasks. A run that is on it goes on.

    Example:  waymark devices reserve R5CR30 --for alice --until 2h --why "a bug that shows only there"
    """
    end = moment(until, datetime.now(UTC))
    body = {"kind": "reserve", "serial": serial, "until": end.isoformat(), "why": why}
    ask(context, body, user=for_user)


def ask(context: typer.Context, body: dict[str, Any], user: str | bool | None = False) -> None:
    """Publishes a request to the fleet and says its answer. `user`: whom it is about; None: who asks."""

    async def command(session: Session) -> None:
        about = {} if user is False else {"user": session.user if user is None else user}
        answer = await asking.ask(session, body | about)
        if answer.refusal is not None:
            raise CliError(f"refused: {answer.refusal}")
        say(getattr(answer.event, "text", answer.event.NAME))

    execute(context, command)


@devices_app.command()
def release(context: typer.Context, serial: Serial, why: WhyNot = None) -> None:
    """End a reservation.

    Example:  waymark devices release R5CR30
    """
    _ask_about(context, "release", serial, why)


@devices_app.command()
def quarantine(context: typer.Context, serial: Serial, why: Why) -> None:
    """Keep every task off a phone, until it is released by hand. A run that is on it goes on.

    Example:  waymark devices quarantine R5CR30 --why "the battery swells"
    """
    _ask_about(context, "quarantine", serial, why)


@devices_app.command()
def unquarantine(context: typer.Context, serial: Serial, why: WhyNot = None) -> None:
    """Let a phone take tasks again. `run explore --probe --serial SERIAL` tries it out before.

    Example:  waymark devices unquarantine R5CR30 --why "new cable"
    """
    _ask_about(context, "unquarantine", serial, why)


@devices_app.command()
def retire(context: typer.Context, serial: Serial, why: WhyNot = None) -> None:
    """Take a phone away for good: it gets no task, and nobody is told that it is away.

    Example:  waymark devices retire R5CR30 --why sold
    """
    _ask_about(context, "retire", serial, why)


@devices_app.command()
def reinstate(context: typer.Context, serial: Serial) -> None:
    """Bring a retired phone back.

    Example:  waymark devices reinstate R5CR30
    """
    _ask_about(context, "reinstate", serial, None)


@devices_app.command()
def limit(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="Whose tasks.")],
    phones: Annotated[int | None, typer.Option(min=1, help="Phones at once, at most; without it, no limit.")] = None,
) -> None:
    """Say how many phones a user's tasks have at once, at most.

    Example:  waymark devices limit nightly --phones 10
    """
    ask(context, {"kind": "limit", "max_phones": phones}, user=user)


def _ask_about(context: typer.Context, kind: str, serial: str, why: str | None) -> None:
    ask(context, {"kind": kind, "serial": serial} | ({} if why is None else {"why": why}))


def moment(text: str, now: datetime) -> datetime:
    """`30m`, `2h`, `3d` from now, or a time (local where it names no zone), in UTC. Raises `typer.BadParameter`."""
    span = re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip())
    if span is not None:
        return now + timedelta(seconds=int(span[1]) * _UNITS[span[2]])
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is neither a time to come (30m, 2h, 3d) nor a date and time") from None
