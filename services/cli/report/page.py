"""Draws a report as one HTML file that needs nothing else: no network, no script for reading it.

Texts on screens are hostile until proven otherwise: everything is escaped, control characters are replaced, and the
page's own policy lets no script run but the one whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.cli.output import duration
from services.cli.report.graph import CAPTION_HEIGHT, THUMB_WIDTH, lay_out
from services.cli.report.model import Picture, Report, ScreenView
from services.cli.report.task_model import CardView, TaskReport

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LONGEST = 20_000
_ABBREVIATION = 3


def render(report: Report) -> str:
    """The page. Equal reports give equal pages."""
    pictures = Pictures()
    for screen in report.screens:
        pictures.add(screen.picture)
    for crash in report.crashes:
        for shot in crash.shots:
            pictures.add(shot.picture)
    return drawn(
        "page.html.j2",
        pictures,
        report=report,
        run=report.run,
        screens=report.screens,
        by_number={screen.number: screen for screen in report.screens},
        graph=lay_out(report.screens, report.edges),
        thumb_width=THUMB_WIDTH,
        caption_height=CAPTION_HEIGHT,
        locators=_locators(report.screens),
    )


def render_task(report: TaskReport) -> str:
    """The page of a task in plain language or of a replay."""
    pictures = Pictures()
    for card in report.cards:
        pictures.add(card.picture)
    for crash in report.crashes:
        for shot in crash.shots:
            pictures.add(shot.picture)
    took_s = 0.0 if report.ended_at is None else (report.ended_at - report.started_at).total_seconds()
    return drawn("task.html.j2", pictures, report=report, took_ms=round(took_s * 1000))


def drawn(template: str, pictures: Pictures, **shown: Any) -> str:
    """A page from a template of this package, with the style and the script that all pages have."""
    templates = _templates()
    script = _source(templates, "script.js")
    return templates.get_template(template).render(
        pictures=pictures,
        style=Markup(_source(templates, "style.css")),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - a file of this package
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **shown,
    )


class Pictures:
    """Ids of pictures: each is in the page once, and drawn wherever it is wanted."""

    def __init__(self) -> None:
        self._ids: dict[Picture, int] = {}

    @property
    def all(self) -> list[Picture]:
        return list(self._ids)

    def add(self, picture: Picture) -> int | None:
        if picture.uri is None:
            return None
        return self._ids.setdefault(picture, len(self._ids))


def _locators(screens: tuple[ScreenView, ...]) -> dict[str, int]:
    """How many locators have which verdict, on the screens of the app itself."""
    counts = dict.fromkeys(("good", "flaky", "broken", "unchecked"), 0)
    for screen in screens:
        for locator in screen.locators:
            counts[locator.verdict] += screen.inside
    return counts


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"at": _at, "took": _took, "words": _words, "activity": _activity, "money": _money,
                            "tone": _tone}  # fmt: skip
    return environment


def _source(templates: Environment, name: str) -> str:
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def _printable(value: Any) -> Any:
    """Every value that the template prints. Markup is the package's own."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return "" if value is None else value
    text = value if len(value) <= _LONGEST or value.startswith("data:") else value[:_LONGEST] + "…"
    return text if text.startswith("data:image/webp;base64,") else _CONTROL.sub("\ufffd", text)


def _at(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _took(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 1000 else duration(milliseconds / 1000)


def _money(cost: Decimal) -> str:
    """In whatever currency the prices are in: as many places as tell something, at most six."""
    return f"{cost:.6f}".rstrip("0").rstrip(".")


def _tone(card: CardView) -> str:
    if card.done is False or card.verdict in {"MISREAD", "REFUSE", "AWAY"}:
        return "bad"
    if card.verdict == "ASK" or any(remark.tone == "warn" for remark in card.remarks):
        return "warn"
    return "plain" if card.done is None and card.verdict is None else "good"


def _words(name: str) -> str:
    """NEW_SCREEN as `new screen`; P1 and ANR as they are."""
    return name if len(name) <= _ABBREVIATION else name.replace("_", " ").lower()


def _activity(name: str | None) -> str:
    return (name or "").rpartition(".")[2]
