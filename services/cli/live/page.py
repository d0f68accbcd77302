"""The local page of `watch --page`: one HTML file, the state as JSON, the current pictures. Loopback only.

Whoever else is on this machine may read it; web pages of others may not: they cannot name this host, and the page's own
policy loads nothing from anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any
from uuid import UUID

from aiohttp import web

from services.cli.errors import CliError
from services.cli.live.spotlight import Spotlight, drawn
from services.runtime.objects import MissingObjectError, Objects, StoreAwayError

HOST = "127.0.0.1"
WIDTH_PX = 540
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_BLOCKS = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)

State = Callable[[], dict[str, Any]]
Shown = Callable[[], Mapping[UUID, Spotlight]]


class LivePage:
    """Serves what `state` and `shown` say at the moment. `state` is `{"runs": [..], "over": bool}`."""

    def __init__(self, state: State, shown: Shown, objects: Objects) -> None:
        self._state, self._shown, self._objects = state, shown, objects
        self._html = files("services.cli.live").joinpath("page.html").read_text(encoding="utf-8")
        self._policy = _policy(self._html)

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[str]:
        """Its address, for as long as it is served. Port 0: any that is free. Raises `CliError`."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/state.json", self._json),
                web.get("/picture/{run}/{key:.+}", self._picture),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, HOST, port).start()
            except OSError as error:
                raise CliError(f"port {port} cannot be used ({error.strerror}): name another with --port") from error
            yield f"http://{HOST}:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        name = (request.host or "").rpartition(":")[0] or request.host
        if name not in _HOSTS:
            raise web.HTTPForbidden(text=f"open http://{HOST}: this page answers to no other name")
        answer: web.StreamResponse = await handler(request)
        answer.headers["Content-Security-Policy"] = self._policy
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _page(self, _request: web.Request) -> web.Response:
        text = self._html.replace("RUNS_WITHOUT_SCRIPT", _without_script(self._state()))
        return web.Response(text=text, content_type="text/html", charset="utf-8")

    async def _json(self, _request: web.Request) -> web.Response:
        text = json.dumps(self._state(), ensure_ascii=False, default=str)
        return web.Response(text=text, content_type="application/json", charset="utf-8")

    async def _picture(self, request: web.Request) -> web.Response:
        """The current picture of a run: what a link names is only there so that browsers see a new one."""
        shown = next((s for run, s in self._shown().items() if str(run) == request.match_info["run"]), None)
        if shown is None or shown.picture is None:
            raise web.HTTPNotFound(text="there is no picture of this run yet")
        try:
            png = await self._objects.get(shown.picture.key)
        except MissingObjectError as error:
            raise web.HTTPNotFound(text="the picture is no longer kept") from error
        except StoreAwayError as error:
            raise web.HTTPServiceUnavailable(text="the object store does not answer") from error
        small = drawn(png, shown, WIDTH_PX, "WEBP")
        if small is None:
            raise web.HTTPNotFound(text="the picture cannot be read")
        return web.Response(body=small, content_type="image/webp")


def picture_link(run: UUID, shown: Spotlight) -> str | None:
    """Where the current picture is; another link whenever the picture or the touched point is another one."""
    if shown.picture is None:
        return None
    return f"picture/{run}/{shown.picture.sha256[:16]}-{shown.step}-{int(shown.point is not None)}"


def _without_script(state: dict[str, Any]) -> str:
    """For browsers that run no script; the script draws the same into the same place."""
    parts = []
    for run in state["runs"]:
        words = f"{run['run']}: {run['status']}, {run['actions']} actions, {run['screens']} screens, {run['screen']}"
        if run.get("asked"):
            words += f". A person is asked: {run['asked']}: {run['answer_with']}"
        if run.get("thinking"):
            words += f". It thinks: {run['thinking']}"
        image = f'<img src="{html.escape(run["picture"])}" alt="" width="260">' if run["picture"] else ""
        parts.append(f"<article><figure>{image}<figcaption>{html.escape(words)}</figcaption></figure></article>")
    return f"<noscript>{''.join(parts)}</noscript>"


def _policy(page: str) -> str:
    """Only the page's own script and style, by their digests; pictures and state from here alone."""
    digests: dict[str, list[str]] = {"script": [], "style": []}
    for name, text in _BLOCKS.findall(page):
        digests[name].append(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
    own = f"script-src {' '.join(digests['script'])}; style-src {' '.join(digests['style'])}"
    return f"default-src 'none'; {own}; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
