"""The NATS configuration of docker-compose.yml on a real server: who may publish what."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from contracts.subjects import REQUESTS, request_subject
from deploy.embedded.nats import Nats
from deploy.embedded.process import Command
from services.runtime.provision import provision

CONFIG = Path(__file__).parents[2] / "deploy" / "nats" / "nats.conf"
LIMIT_S = 5.0

pytestmark = pytest.mark.system


class ComposeNats(Nats):
    """The server with the committed configuration; only addresses, store and passwords are those of the test."""

    def command(self, port: int) -> Command:
        text = CONFIG.read_text()
        text = re.sub(r"^listen: .*$", f'listen: "127.0.0.1:{port}"', text, flags=re.MULTILINE)
        text = re.sub(r"^http: .*$", "", text, flags=re.MULTILINE)
        text = text.replace('"/data"', f'"{self.folder / "store"}"')
        self.config.write_text(text)
        argv = [str(Path(sysconfig.get_path("scripts")) / "nats-server"), "-c", str(self.config)]
        return Command(argv, {"NATS_PASSWORD": "service-password", "NATS_ALICE_PASSWORD": "alice-password"})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ComposeNats]:
    running = ComposeNats(tmp_path / "nats")
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)


async def connected(server: ComposeNats, user: str, password: str, errors: list[str] | None = None) -> Client:
    async def noted(error: Exception) -> None:
        if errors is not None:
            errors.append(str(error))

    return await nats.connect(server.url, user=user, password=password, error_cb=noted, allow_reconnect=False)


async def until(condition: object, what: str) -> None:
    assert callable(condition)
    for _ in range(int(LIMIT_S / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{what} within {LIMIT_S} s")


def test_the_server_accepts_its_configuration() -> None:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    done = subprocess.run(
        [program, "-t", "-c", CONFIG],
        env={"NATS_PASSWORD": "x", "NATS_ALICE_PASSWORD": "y"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def test_a_person_publishes_requests_in_the_own_name_only(server: ComposeNats) -> None:
    errors: list[str] = []
    service = await connected(server, "waymark", "service-password")
    alice = await connected(server, "alice", "alice-password", errors)
    try:
        js = service.jetstream()
        await provision(js)
        await alice.publish(request_subject("task", "alice"), b"{}")
        await alice.publish(request_subject("fleet", "alice"), b"{}")
        await alice.publish(request_subject("task", "bob"), b"{}")
        await alice.publish(request_subject("fleet", "bob"), b"{}")
        await alice.publish("waymark.orchestrator.TaskAccepted.x.y", b"{}")
        await alice.publish("$JS.API.STREAM.DELETE.WAYMARK", b"")
        await alice.flush()
        await until(lambda: len(errors) >= 4, "four refusals")
        info = await js.stream_info(REQUESTS, subjects_filter=">")
        assert info.state.subjects == {request_subject("task", "alice"): 1, request_subject("fleet", "alice"): 1}
        assert (await js.stream_info("WAYMARK")).state.messages == 0
        assert all("permissions violation" in error.lower() for error in errors)
    finally:
        await alice.close()
        await service.close()


async def test_a_person_hears_events_as_they_happen(server: ComposeNats) -> None:
    service = await connected(server, "waymark", "service-password")
    alice = await connected(server, "alice", "alice-password")
    try:
        await provision(service.jetstream())
        heard: list[str] = []

        async def arrived(message: object) -> None:
            heard.append(message.subject)  # type: ignore[attr-defined]

        await alice.subscribe("waymark.orchestrator.TaskRejected.*.*", cb=arrived)
        await alice.flush()
        await service.publish("waymark.orchestrator.TaskRejected.key._", b"{}")
        await until(lambda: heard, "the event")
    finally:
        await alice.close()
        await service.close()


@pytest.mark.parametrize("credentials", ["", '"user": "alice", "pass": "wrong"'])
async def test_nobody_gets_in_without_a_password(server: ComposeNats, credentials: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(LIMIT_S):
            assert (await reader.readline()).startswith(b"INFO ")
            writer.write(
                b'CONNECT {"verbose": false%s}\r\nPING\r\n' % (f", {credentials}" if credentials else "").encode()
            )
            assert await reader.readline() == b"-ERR 'Authorization Violation'\r\n"
    finally:
        writer.close()
        await writer.wait_closed()
