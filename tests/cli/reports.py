"""Reports made up for tests: as many screens as wanted, with texts that mean harm."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from uuid import UUID

from PIL import Image

from services.cli.report.model import (
    AlertView,
    Box,
    CrashView,
    DiffView,
    Edge,
    ElementView,
    FateView,
    LocatorView,
    Mark,
    Picture,
    Report,
    RunView,
    ScreenChange,
    ScreenView,
    Shot,
    StepView,
)
from services.cli.report.pictures import shrink

HOSTILE = (
    "<script>alert('owned')</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></svg></style><iframe src=//evil.example>",
    "{{ 7 * 7 }} {% raw %}",
    "javascript:alert(1)",
    "支付 \u202e卡号\x00\x1b[2J 你好",
)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@cache
def png(seed: int, width: int = 1080, height: int = 1920) -> bytes:
    """A picture with areas of many colours, different for each seed."""
    noise = random.Random(seed)
    image = Image.new("RGB", (width, height))
    for row in range(12):
        for column in range(6):
            colour = (noise.randrange(256), noise.randrange(256), noise.randrange(256))
            image.paste(colour, (column * 180, row * 160, column * 180 + 170, row * 160 + 150))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def text(number: int) -> str:
    return HOSTILE[number % len(HOSTILE)]


@cache
def small(seed: int) -> str | None:
    return shrink(png(seed), 240)


def screen(number: int, elements: int = 12) -> ScreenView:
    uri = small(number % 5)
    picture = Picture(1080, 1920, uri) if number % 9 else Picture(1080, 1920, absent="the app forbids pictures")
    return ScreenView(
        screen_id=UUID(int=number),
        number=number,
        name=f"Screen {number} {text(number)}",
        package="com.example.shop",
        activity="com.example.shop.MainActivity" if number % 3 else None,
        inside=number % 7 != 0,
        picture=picture,
        states=number % 4 + 1,
        first_step=number,
        is_new=True,
        elements=tuple(element(at, number) for at in range(1, elements + 1)),
    )


def element(number: int, seed: int) -> ElementView:
    rate = (None, 100.0, 50.0, 0.0)[number % 4]
    locators = tuple(
        LocatorView(strategy, text(seed + number), 0.9 - rank / 10, rank, rank == 1, rate,
                    None if rate is None else AT, None if rate is None else "PASSED", 4, 2, ("volatile_text",))
        for rank, strategy in enumerate(("ID", "TEXT", "XPATH", "UiSelector"), 1)
    )  # fmt: skip
    return ElementView(
        number=number,
        label=text(seed + number),
        kind="Button",
        resource_id=f"com.example:id/{text(seed)}",
        text=text(number),
        description=text(number + 1),
        xpath="//android.widget.Button[1]",
        box=Box(60, 100 * number, 400, 90),
        interactable=number % 2 == 0,
        visibility="VISIBLE",
        locators=locators if number % 5 else (),
    )


def report(screens: int, steps: int = 0) -> Report:
    """A report with everything in it."""
    rng = random.Random(screens)
    shown = tuple(screen(number) for number in range(1, screens + 1))
    edges = [
        Edge(max(number // 2, 1), number, (f"tap {text(number)}",), 1, number, True) for number in range(2, screens + 1)
    ]
    edges += [
        Edge(rng.randint(1, screens), rng.randint(1, screens), ("back",), 3, 900 + at, False) for at in range(screens)
    ]
    picture = shown[0].picture
    marks = (
        Mark("removed", text(0), Box(10, 10, 100, 100), None),
        Mark("added", text(1), None, Box(10, 10, 100, 100)),
        Mark("changed", text(2), Box(1, 2, 3, 4), Box(2, 3, 4, 5), (("text", text(3), text(4)),)),
    )
    fates = (FateView("BROKEN", "TEXT", text(1), True, "it addresses nothing any more"),)
    change = ScreenChange(text(0), picture, picture, marks, fates)
    return Report(
        run=RunView(
            run_id=UUID(int=7), task_name=text(1), user="alice", package="com.example.shop", app_name=text(0),
            version="2.0", version_code=20, profile="FULL", status="FAILED", reason=text(2), started_at=AT,
            ended_at=AT + timedelta(minutes=3), serial="emulator-5554", model=text(3), android="13",
            resolution="1080x1920", actions=steps, successful=steps, states=9,
            activities_reached=("com.example.A",), activities_declared=("com.example.A", text(4)),
            locators_checked=8, locators_passed=4,
        ),
        screens=shown,
        edges=tuple(edge for edge in edges if edge.source != edge.target),
        steps=tuple(
            StepView(number, AT, "EXPLORE", "tap", text(number), number % screens + 1, None, "NEW_STATE", 120,
                     (540, 900), (540, 300) if number % 5 == 0 else None, text(number) if number % 7 == 0 else None)
            for number in range(1, steps + 1)
        ),
        crashes=(
            CrashView(
                AT, "CRASH", "com.example.shop", text(0), text(1), text(2) + "\n\tat a.b.C\n" * 50, 3, 2,
                verdict="came again", way=(text(3), text(4)), missing=text(5),
                shots=(Shot(3, text(1), picture, (540, 900)), Shot(4, text(2), picture, (540, 900), (540, 300))),
                papers=(("Log", text(0)),),
            ),
        ),
        alerts=(AlertView("P1", "SYSTEM", "OPEN", text(0), AT, text(1)),),
        diff=DiffView("1.0", "2.0", 3, ((text(1), picture),), ((text(2), None),), (change,), 1, 0),
        written_at=AT,
    )  # fmt: skip


def data_uri_size(uri: str) -> int:
    return len(base64.b64decode(uri.partition(",")[2]))
