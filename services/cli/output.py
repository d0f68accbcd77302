"""Tables, JSON and messages. Texts from phones are printed as text: no markup, no control sequence gets through."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")]

_PIPE_WIDTH = 160
_SHORT_ID = 8
"""Characters of an id in a table: every command takes the beginning of one. JSON has all of them."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STYLES = {
    "SUCCEEDED": "green", "COMPLETED": "green", "PASSED": "green", "AVAILABLE": "green", "SENT": "green",
    "RUNNING": "cyan", "QUEUED": "blue", "BUSY": "cyan", "PAUSED": "yellow", "ACKED": "yellow",
    "FAILED": "red", "CANCELLED": "yellow", "OPEN": "red", "OFFLINE": "red", "P1": "bold red", "P2": "yellow",
}  # fmt: skip


def console(*, stderr: bool = False) -> Console:
    """A console for now: tests and pipes change the streams, so none is kept. A pipe gets wide lines."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)


def clean(value: object) -> str:
    """A value as one printable text: control characters, which could steer a terminal, become a mark."""
    return _CONTROL.sub("\ufffd", str(value)).replace("\n", " ").replace("\t", " ")


def cell(value: object) -> Text:
    """A value as a cell of a table, in the colour that its word has everywhere."""
    match value:
        case None:
            return Text("–", style="dim")
        case bool():
            return Text("yes" if value else "no")
        case UUID():
            return Text(str(value)[:_SHORT_ID])
        case datetime():
            return Text(value.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
        case timedelta():
            return Text(duration(value.total_seconds()))
        case _:
            text = clean(value)
            return Text(text, style=_STYLES.get(text, ""))


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def show(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    empty: str,
    title: str | None = None,
) -> None:
    """Rows as a table of `columns` (field to heading), or all their fields as JSON; `empty` is said when none is."""
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        complain(empty)
        return
    table = Table(title=None if title is None else Text(title), title_justify="left", header_style="bold", box=None)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(cell(row[name]) for name in columns))
    console().print(table)


def print_json(value: Any) -> None:
    sys.stdout.write(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode() + "\n")


def say(text: str, style: str = "") -> None:
    console().print(Text(text, style=style), soft_wrap=True)


def complain(text: str) -> None:
    """To standard error, where no script reads results."""
    console(stderr=True).print(Text(text), soft_wrap=True)


def lines(texts: Iterable[str]) -> None:
    for text in texts:
        say(text)


def _plain(value: object) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
