"""`make demo`: boots everything, explores both versions of the demo app, shows what was found, ends cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import time
from pathlib import Path
from uuid import UUID

from nats.aio.msg import Msg
from rich.console import Console
from rich.live import Live

from contracts.device_agent import CrashSeen
from contracts.envelope import Envelope
from deploy.demo.progress import Progress
from deploy.demo.summary import summarise
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform, projections
from deploy.embedded.receivers import SmtpReceiver, WebhookReceiver
from services.runtime.catch_up import behind

PACKAGE = "com.waymark.demo"
PHONES = ("demo@1", "demo@2")
LIMIT_S = 80.0
STEPS = 340
DURATION_S = 62
"""A run ends by itself after this time, on machines too slow for all its steps: what it found then is told."""
_SETTLE_S = 15.0
_PLAIN_WIDTH = 140
_REPORT_LIMIT_S = 30.0
_FOLDER = Path("build/demo")


class Demo:
    """One demonstration, from boot to summary."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress()
        self.stacks: list[str] = []
        self.started_s = time.monotonic()

    async def run(self) -> int:
        """The exit code: 0 when both runs ended well and everything could be read back."""
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(parents=True)
        self.console.print("Booting PostgreSQL, NATS JetStream, S3, adb, two simulated phones and seven services ..")
        async with contextlib.AsyncExitStack() as stack:
            webhook = await stack.enter_async_context(WebhookReceiver())
            mail = await stack.enter_async_context(SmtpReceiver())
            platform = await stack.enter_async_context(Platform(_FOLDER, phones=PHONES, latency="short"))
            self.console.print(f"Up after {self.elapsed_s:.1f} s. Logs are in {_FOLDER}/logs.")
            await self._listen(platform)
            await self._configure(platform, webhook, mail)
            for version, serial in zip(("1.0", "2.0"), platform.serials, strict=True):
                await self._publish(platform, version, serial)
            await self._watch(platform)
            return await self._tell(platform, webhook, mail)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    async def _listen(self, platform: Platform) -> None:
        async def arrived(message: Msg) -> None:
            event = Envelope.model_validate_json(message.data).open()
            self.progress.take(event)
            if isinstance(event, CrashSeen) and event.kind != "ANR":
                self.stacks.append(event.stack)

        await platform.nats.subscribe("waymark.*.*.*.*", cb=arrived)

    async def _configure(self, platform: Platform, webhook: WebhookReceiver, mail: SmtpReceiver) -> None:
        """Alerts go to a webhook and a mailbox on this machine, as they would to Feishu and to a team's address."""
        channels = {
            "demo-feishu": {"channel": "FEISHU", "target": f"{webhook.url}/feishu"},
            "demo-mail": {
                "channel": "EMAIL",
                "target": "qa@example.com",
                "sender": "waymark@example.com",
                "host": mail.host,
                "port": mail.port,
                "security": "NONE",
            },
        }
        for name, config in channels.items():
            body = {"kind": "set", "config_type": "ALERT_CHANNEL", "name": name, "config": config}
            await platform.request("waymark.request.config.demo", body)

    async def _publish(self, platform: Platform, version: str, serial: str) -> None:
        task = {
            "kind": "explore",
            "app": PACKAGE,
            "version": version,
            "serial": serial,
            "name": f"Demo app {version}",
            "limits": {"max_steps": STEPS, "max_duration_s": DURATION_S},
        }
        self.console.print(f"Publishing waymark.request.task.demo: explore {PACKAGE} {version} on {serial}")
        await platform.request("waymark.request.task.demo", task)

    async def _watch(self, platform: Platform) -> None:
        begun_s, told_s = time.monotonic(), 0.0
        live = Live(console=self.console, refresh_per_second=4) if self.console.is_terminal else None
        with live if live is not None else contextlib.nullcontext():
            while not self.progress.finished(len(PHONES)) and self.elapsed_s < LIMIT_S:
                if dead := platform.dead():
                    raise EmbeddedError(f"{', '.join(dead)} ended; see {_FOLDER}/logs")
                now_s = time.monotonic() - begun_s
                if live is not None:
                    live.update(self.progress.show(now_s))
                elif now_s - told_s >= 5:
                    told_s = now_s
                    self.console.print(f"{now_s:3.0f} s  {self.progress.line()}")
                await asyncio.sleep(0.25)

    async def _tell(self, platform: Platform, webhook: WebhookReceiver, mail: SmtpReceiver) -> int:
        if not self.progress.finished(len(PHONES)):
            self.console.print(f"The runs did not end within {LIMIT_S:.0f} s: this is what there is.", style="red")
        until_s = time.monotonic() + (_SETTLE_S if self.progress.finished(len(PHONES)) else 0)
        while self.progress.compared is None and time.monotonic() < until_s:
            await asyncio.sleep(0.1)
        assert platform.stack is not None
        await self._caught_up(platform)
        compared = self.progress.compared
        summary = await summarise(
            platform.stack.postgres_dsn,
            dropped=compared.dropped if compared else (),
            added=compared.added if compared else (),
            crash_stack="\n".join(self.stacks[0].splitlines()[:12]) if self.stacks else None,
        )
        self.console.print(summary.shown)
        received = f"{len(webhook.received.all)} webhook calls and {len(mail.received.all)} mails"
        self.console.print(f"The receivers on this machine got {received}.")
        reports = await asyncio.gather(*(self._report(platform, run_id) for run_id in self.progress.runs))
        for path in sorted(str(path) for path in reports if path is not None):
            self.console.print(f"Report: {path}")
        self.console.print(f"\nDone in {self.elapsed_s:.0f} s. Next, with a phone on this machine's adb:")
        self.console.print("  make up && .venv/bin/waymark run explore --app YOUR.PACKAGE --follow", style="bold")
        return 0 if summary.complete and None not in reports else 1

    async def _report(self, platform: Platform, run_id: UUID) -> Path | None:
        """Writes a run's HTML report with the `waymark` command, as a user would; None where that failed."""
        path = _FOLDER / f"report-{self.progress.runs[run_id].version}.html"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli",
            "report",
            str(run_id),
            "-o",
            str(path),
            env={**os.environ, **platform.client_environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), _REPORT_LIMIT_S)
        except TimeoutError:
            process.kill()
            said = f"it took longer than {_REPORT_LIMIT_S:.0f} s".encode()
            await process.wait()
        if process.returncode != 0:
            self.console.print(f"The report of {run_id} was not written: {said.decode(errors='replace')}", style="red")
            return None
        return path

    async def _caught_up(self, platform: Platform) -> None:
        """Waits until the tables hold everything that the log does."""
        assert platform.stack is not None
        js, until_s = platform.nats.jetstream(timeout=10), time.monotonic() + _SETTLE_S
        for projection in projections():
            while await behind(js, platform.stack.postgres_dsn, projection) and time.monotonic() < until_s:
                await asyncio.sleep(0.05)


async def _main() -> int:
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    try:
        return await Demo(console).run()
    except EmbeddedError as error:
        console.print(f"The demonstration could not run: {error}", style="red")
        return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
