"""The picture of a run as it goes on: what is shown and touched, in a terminal's own protocol, and in a local page."""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from uuid import UUID

import aiohttp
import pytest
from PIL import Image
from rich.console import Console
from rich.text import Text

from contracts.event import Event
from contracts.orchestrator import ActionRequested, StateAdded, StepFinished
from contracts.values import Action, ActionType, Click, Navigate, ObjectRef, Point, Scroll
from deploy.embedded.stack import Stack
from services.cli.errors import CliError
from services.cli.live import terminal
from services.cli.live.page import LivePage, picture_link
from services.cli.live.spotlight import Spotlight, drawn, evolve
from services.cli.live.terminal import Graphics, detected
from services.cli.live.view import LiveView
from services.runtime.objects import Objects, StoreAddress
from tests.cli.reports import HOSTILE, png

AT = datetime(2026, 1, 2, tzinfo=UTC)
RUN, OTHER = UUID(int=2), UUID(int=9)
PICTURE = ObjectRef(key="aa/aa.png", sha256="a" * 64, size_bytes=1)


def asked(action: Action, sequence: int = 1) -> ActionRequested:
    return ActionRequested(
        run_id=RUN, task_id=RUN, device_id=RUN, serial="s", action_id=RUN, sequence=sequence, lease_token=1,
        package="com.shop", purpose="EXPLORE", action=action, state_id="a", expires_at=AT, requested_at=AT,
    )  # fmt: skip


def done(picture: ObjectRef | None = PICTURE, state: str | None = "b") -> StepFinished:
    return StepFinished(
        run_id=RUN, task_id=RUN, sequence=1, action_id=RUN, purpose="EXPLORE", action_type=ActionType.CLICK,
        outcome="NEW_SCREEN", from_state="a", to_state=state, screen_id=RUN, gesture_id="g", succeeded=True,
        successful=1, duration_ms=1, screens=1, states=1, screenshot=picture,
    )  # fmt: skip


def state(name: str = "购物车") -> StateAdded:
    return StateAdded(
        run_id=RUN, state_id="b", screen_id=RUN, screen_name=name, package="com.shop", activity=None, inside=True,
        gestures=(),
    )  # fmt: skip


def after(*events: Event) -> Spotlight:
    shown = Spotlight()
    for event in events:
        shown = evolve(shown, event)
    return shown


def test_the_picture_is_what_was_seen_last_and_the_point_where_it_is_touched_now() -> None:
    shown = after(state(), done(), asked(Click(point=Point(x=5, y=6)), 2))
    assert (shown.picture, shown.screen, shown.point, shown.step) == (PICTURE, "购物车", Point(x=5, y=6), 2)
    shown = evolve(shown, asked(Scroll(start=Point(x=1, y=2), end=Point(x=1, y=9)), 3))
    assert (shown.point, shown.end) == (Point(x=1, y=2), Point(x=1, y=9))
    shown = evolve(shown, done(None))
    assert (shown.picture, shown.point) == (PICTURE, None)
    assert evolve(shown, asked(Navigate(to="BACK"), 4)).point is None


def test_the_touched_point_is_drawn_in_the_small_picture() -> None:
    shown = Spotlight(PICTURE, Point(x=540, y=960))
    plain, marked = drawn(png(1), Spotlight(PICTURE), 270), drawn(png(1), shown, 270)
    assert plain is not None
    assert marked is not None
    before, after_ = (Image.open(io.BytesIO(data)).convert("RGB") for data in (plain, marked))
    assert after_.size == (270, 480)
    assert after_.getpixel((135 + 13, 240)) == (220, 38, 38) != before.getpixel((135 + 13, 240))
    assert drawn(b"no picture", shown, 270) is None


@pytest.mark.parametrize(
    ("environ", "graphics"),
    [
        ({"TERM": "xterm-kitty"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Graphics.KITTY),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Graphics.ITERM),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, Graphics.ITERM),
        ({"TERM": "screen-256color", "LC_TERMINAL": "iTerm2"}, Graphics.NONE),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, Graphics.NONE),
        ({"TERM": "xterm-256color"}, Graphics.NONE),
        ({}, Graphics.NONE),
    ],
)
def test_what_a_terminal_can_show_is_told_by_its_environment(environ: dict[str, str], graphics: Graphics) -> None:
    assert detected(environ) is graphics


def test_kitty_gets_the_whole_picture_in_pieces_of_4096() -> None:
    data = png(2)
    text = terminal.picture(data, Graphics.KITTY, 20)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert base64.b64decode("".join(part for _, part in pieces)) == data
    assert max(len(part) for _, part in pieces) <= 4096
    assert pieces[0][0].startswith("a=T,f=100,r=20")
    assert [head[-3:] for head, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]


def test_iterm_gets_the_whole_picture_at_once() -> None:
    text = terminal.picture(b"\x89PNG", Graphics.ITERM, 20)
    head, _, data = text.removesuffix("\x07\n").rpartition(":")
    assert head.startswith("\x1b]1337;File=size=4;height=20;")
    assert base64.b64decode(data) == b"\x89PNG"
    assert terminal.picture(b"x", Graphics.NONE, 20) == ""


def address(stack: Stack) -> StoreAddress:
    access = stack.s3
    return StoreAddress(access.endpoint, access.access_key, access.secret_key, access.bucket)


def run_of(shown: Spotlight, **changes: object) -> dict[str, object]:
    return {
        "run": str(RUN), "status": "RUNNING", "reason": None, "screens": 1, "states": 1, "actions": 4,
        "actions_succeeded": 4, "locators_checked": 0, "locators_verified": 0, "alerts": 0, "crashes": 0,
        "app": "com.shop 1.0", "serial": "S1", "screen": "购物车", "step": 4, "doing": "new screen",
        "touched": None, "picture": picture_link(RUN, shown), "events": [HOSTILE[0]], **changes,
    }  # fmt: skip


@pytest.mark.system
async def test_the_terminal_shows_the_picture_and_is_left_as_it_was(stack: Stack) -> None:
    out = io.StringIO()
    async with Objects(address(stack)) as objects:
        ref = await objects.put(png(3), "png")
        gone = ObjectRef(key="zz/gone.png", sha256="z" * 64, size_bytes=1)
        with LiveView(Console(file=out, width=80, height=40), Graphics.KITTY, objects) as view:
            await view.show(Text("facts"), Spotlight(ref, Point(x=5, y=5)))
            await view.show(Text("later"), Spotlight(gone))
    written = out.getvalue()
    assert written.startswith(terminal.ENTER)
    assert written.endswith(terminal.LEAVE)
    assert written.count("\x1b_Ga=T") == 2  # A picture that is gone leaves the one before.
    assert "later" in written


@pytest.mark.system
async def test_the_page_shows_several_runs_and_their_pictures_to_this_machine_only(stack: Stack) -> None:
    async with Objects(address(stack)) as objects, aiohttp.ClientSession() as client:
        ref = await objects.put(png(4), "png")
        shown = {RUN: Spotlight(ref, Point(x=540, y=960), screen="购物车"), OTHER: Spotlight()}
        state = {"runs": [run_of(shown[RUN]), run_of(shown[OTHER], run=str(OTHER), picture=None)], "over": False}
        page = LivePage(lambda: state, lambda: shown, objects)
        async with page.serving(0) as url:
            assert url.startswith("http://127.0.0.1:")
            answer = await client.get(url)
            text = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert answer.status == 200
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert 'role="status"' in text
            assert 'lang="en"' in text
            assert "购物车" in text
            assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)

            told = await (await client.get(url + "state.json")).json()
            assert [run["run"] for run in told["runs"]] == [str(RUN), str(OTHER)]
            assert told["runs"][0]["events"] == [HOSTILE[0]]
            picture = await client.get(url + told["runs"][0]["picture"])
            assert picture.content_type == "image/webp"
            assert Image.open(io.BytesIO(await picture.read())).width == 540
            assert (await client.get(f"{url}picture/{OTHER}/x")).status == 404
            assert (await client.get(f"{url}picture/../../etc/passwd")).status == 404

            link = told["runs"][0]["picture"]
            shown[RUN] = evolve(shown[RUN], done())
            assert picture_link(RUN, shown[RUN]) != link

            stranger = await client.get(url, headers={"Host": "evil.example:80"})
            assert stranger.status == 403
            with pytest.raises(CliError, match="--port"):
                async with page.serving(int(url.rpartition(":")[2].rstrip("/"))):
                    pass
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(url)


@pytest.mark.system
async def test_hostile_names_stay_text_where_no_script_runs(stack: Stack) -> None:
    async with Objects(address(stack)) as objects, aiohttp.ClientSession() as client:
        state = {"runs": [run_of(Spotlight(), screen=HOSTILE[1])], "over": False}
        async with LivePage(lambda: state, dict, objects).serving(0) as url:
            text = await (await client.get(url)).text()
    assert HOSTILE[1] not in text
    assert "&lt;img src=x" in text
