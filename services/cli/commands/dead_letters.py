"""`dlq`: messages that nobody could understand."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from services.cli import dead_letters
from services.cli.connection import Session, execute
from services.cli.output import Json, Limit, clean, print_json, say, show

letters_app = typer.Typer(no_args_is_help=True, help="Dead letters: messages that could not be understood or handled.")

Number = Annotated[int, typer.Argument(help="Number of the letter, from `waymark dlq list`.", min=1)]


@letters_app.command("list")
def list_letters(context: typer.Context, limit: Limit = 100, as_json: Json = False) -> None:
    """List dead letters, newest first. Kind `request` was refused, and its sender told; `trigger` needs somebody.

    Example:  waymark dlq list --json
    """

    async def command(session: Session) -> None:
        letters = await dead_letters.read_letters(await session.js())
        rows = [_row(found) for found in reversed(letters)][:limit]
        columns = {"number": "no.", "died_at": "died", "kind": "kind", "consumer": "consumer", "subject": "subject",
                   "reason": "reason"}  # fmt: skip
        show(rows, columns, as_json=as_json, empty="No dead letters.")

    execute(context, command)


@letters_app.command("show")
def show_letter(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Show one letter: reason, stack, and the message as it came.

    Example:  waymark dlq show 3
    """

    async def command(session: Session) -> None:
        found = await dead_letters.read_letter(await session.js(), number)
        if as_json:
            print_json(_row(found) | {"stack": found.letter.stack, "body": _body(found.letter.body)})
            return
        for name, value in _row(found).items():
            say(f"{name:9} {clean(value)}")
        for line in (found.letter.stack or "").splitlines():
            say(f"  {clean(line)}", style="dim")
        for line in _body(found.letter.body).splitlines():
            say(clean(line))

    execute(context, command)


@letters_app.command()
def retry(context: typer.Context, number: Number) -> None:
    """Have a message handled again, once what was wrong is mended; the letter is removed.

    Example:  waymark dlq retry 3
    """

    async def command(session: Session) -> None:
        js = await session.js()
        found = await dead_letters.read_letter(js, number)
        say(await dead_letters.retry(js, found, session.clock.now()))

    execute(context, command)


@letters_app.command()
def drop(context: typer.Context, number: Number) -> None:
    """Remove a letter for good.

    Example:  waymark dlq drop 3
    """

    async def command(session: Session) -> None:
        await dead_letters.drop(await session.js(), number)
        say(f"dead letter {number} removed")

    execute(context, command)


def _row(found: dead_letters.Letter) -> dict[str, Any]:
    letter = found.letter
    return {
        "number": found.seq,
        "kind": found.kind,
        "service": letter.service,
        "consumer": letter.consumer,
        "stream": letter.stream,
        "subject": letter.subject,
        "sequence": letter.sequence,
        "reason": letter.reason,
        "died_at": letter.died_at,
    }


def _body(body: bytes) -> str:
    """The message as text: JSON indented, anything else as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
