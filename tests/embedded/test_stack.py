"""The stack boots real servers, keeps their data, and leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aioboto3
import asyncpg
import nats
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.embedded.databases import create_database
from deploy.embedded.errors import EmbeddedError, PortTakenError
from deploy.embedded.nats import Nats
from deploy.embedded.postgres import Installation, Postgres, installations
from deploy.embedded.s3 import S3Access
from deploy.embedded.stack import Ports, Stack

pytestmark = pytest.mark.system


def wait_until(condition: Callable[[], bool], limit_s: float = 15.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"did not become true within {limit_s} s"
        time.sleep(0.02)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Living processes that name the folder in their arguments: servers and guards alike."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        arguments = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(folder) in part for part in arguments):
            found.append(process)
    return found


def s3_client(access: S3Access, secret_key: str | None = None):
    return aioboto3.Session().client(
        "s3",
        endpoint_url=access.endpoint,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=secret_key or access.secret_key,
        region_name="us-east-1",
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
        ),
    )


async def test_every_server_does_its_work(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.postgres_dsn)
    try:
        assert await connection.fetchval("SELECT similarity('waymark', 'waymark')") == 1.0
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SELECT '中文' || chr(128241)") == "中文📱"
    finally:
        await connection.close()

    client = await nats.connect(stack.nats_url)
    try:
        stream = client.jetstream()
        await stream.add_stream(name="PROBE", subjects=["probe"])
        assert (await stream.publish("probe", b"hello", stream="PROBE")).seq == 1
        await stream.delete_stream("PROBE")
        assert client.max_payload == 1024 * 1024
    finally:
        await client.close()

    async with s3_client(stack.s3) as s3:
        await s3.put_object(Bucket=stack.s3.bucket, Key="probe/a.png", Body=b"picture")
        answer = await s3.get_object(Bucket=stack.s3.bucket, Key="probe/a.png", Range="bytes=0-2")
        async with answer["Body"] as body:
            assert await body.read() == b"pic"
    async with s3_client(stack.s3, secret_key="wrong") as stranger:
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            await stranger.get_object(Bucket=stack.s3.bucket, Key="probe/a.png")


async def test_password_is_asked_for(stack: Stack) -> None:
    wrong = stack.postgres_dsn.replace("waymark:", "waymark:x", 1)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


def test_nats_accepts_its_configuration(stack: Stack) -> None:
    assert stack.nats is not None
    stack.nats.check_config()
    assert "sync_interval: always" in stack.nats.config.read_text()


def test_nats_names_what_it_dislikes(tmp_path: Path) -> None:
    broken = Nats(tmp_path, extra="no_such_setting: 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        broken.start()


async def test_a_folder_used_before_keeps_its_data_and_leaves_no_process(tmp_path: Path) -> None:
    async with Stack(tmp_path, environ={}) as cold:
        connection = await asyncpg.connect(cold.postgres_dsn)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await connection.close()
        client = await nats.connect(cold.nats_url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"1", stream="KEPT")
        await client.close()
        async with s3_client(cold.s3) as s3:
            await s3.put_object(Bucket=cold.s3.bucket, Key="kept.bin", Body=b"bytes")
        assert len(processes_of(tmp_path)) >= 6
    assert processes_of(tmp_path) == []

    async with Stack(tmp_path, environ={}) as warm:
        connection = await asyncpg.connect(warm.postgres_dsn)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()
        client = await nats.connect(warm.nats_url)
        assert (await client.jetstream().stream_info("KEPT")).state.messages == 1
        await client.close()
        async with s3_client(warm.s3) as s3:
            assert (await s3.head_object(Bucket=warm.s3.bucket, Key="kept.bin"))["ContentLength"] == 5
    assert processes_of(tmp_path) == []


async def test_a_killed_server_comes_back_at_its_address_with_its_data(tmp_path: Path) -> None:
    async with Stack(tmp_path, environ={}) as stack:
        assert stack.postgres is not None
        assert stack.nats is not None
        address = stack.postgres_dsn, stack.nats_url
        connection = await asyncpg.connect(stack.postgres_dsn)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await asyncio.to_thread(stack.postgres.kill)
        await asyncio.to_thread(stack.nats.kill)
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await asyncpg.connect(stack.postgres_dsn, timeout=2)
        connection.terminate()
        await asyncio.to_thread(stack.postgres.start)
        await asyncio.to_thread(stack.nats.start)
        assert (stack.postgres_dsn, stack.nats_url) == address
        connection = await asyncpg.connect(stack.postgres_dsn)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()


BOOT_AND_TELL = """
import sys, time
from pathlib import Path
from deploy.embedded.stack import Stack
with Stack(Path(sys.argv[1]), environ={}) as stack:
    print(stack.postgres_dsn, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stays_when_the_parent_is_killed(tmp_path: Path, death: signal.Signals) -> None:
    argv = [sys.executable, "-c", BOOT_AND_TELL, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().startswith(b"postgresql://")
        parent.send_signal(death)
    wait_until(lambda: processes_of(tmp_path) == [])
    with Stack(tmp_path, environ={}) as again:  # and what it wrote can be used
        assert again.postgres is not None
        assert again.postgres.is_ready(again.postgres.port)


def test_a_server_does_not_outlive_its_guard(tmp_path: Path) -> None:
    with Stack(tmp_path, environ={}) as stack:
        assert stack.nats is not None
        server = psutil.Process(stack.nats.pid)
        guard = server.parent()
        assert guard is not None
        assert "guard.py" in " ".join(guard.cmdline())
        guard.kill()
        wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


def test_a_restart_right_after_a_kill_waits_for_the_old_servers(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", BOOT_AND_TELL, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        parent.kill()
        parent.wait(5)
        with Stack(tmp_path, environ={}):
            pass


def test_two_stacks_do_not_share_a_folder(tmp_path: Path) -> None:
    with Stack(tmp_path, environ={}), pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
        Stack(tmp_path, environ={}).start()


def test_servers_of_the_environment_are_used_and_not_stopped(stack: Stack, tmp_path: Path) -> None:
    given = stack.environ()
    with Stack(tmp_path, environ=given) as borrowed:
        assert borrowed.environ() == given
        assert (borrowed.postgres, borrowed.nats, borrowed.store) == (None, None, None)
        assert processes_of(tmp_path) == []
    assert stack.postgres is not None
    assert psutil.pid_exists(stack.postgres.pid or 0)


def test_a_half_given_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="set WAYMARK_S3_ACCESS_KEY, WAYMARK_S3_SECRET_KEY, WAYMARK_S3_BUCKET too"):
        Stack(tmp_path, environ={"WAYMARK_S3_URL": "http://127.0.0.1:9000"}).start()


def test_a_taken_port_is_named_and_the_other_servers_are_stopped(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"nats did not start: port {port} is taken"):
            Stack(tmp_path, Ports(nats=port), environ={}).start()
    assert processes_of(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"cannot use folder .*file/below"):
        Stack(tmp_path / "file" / "below", environ={}).start()


@pytest.mark.parametrize("found", installations(), ids=lambda found: f"postgres-{found.major}")
def test_each_postgres_found_here_boots(tmp_path: Path, found: Installation) -> None:
    server = Postgres(tmp_path, "secret", installation=found)
    try:
        server.start()
        assert server.is_ready(server.port)
    finally:
        server.stop()


def test_a_folder_of_another_postgres_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match="was made by PostgreSQL 9"):
        Postgres(tmp_path, "secret").start()


def test_a_stale_process_file_that_names_a_stranger_does_not_stop_the_start(tmp_path: Path) -> None:
    server = Postgres(tmp_path, "secret")
    server.start()
    server.stop()
    lines = [str(os.getpid()), str(tmp_path / "data"), "0", "1", "", "", "", "ready"]
    (tmp_path / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    server.start()
    server.stop()


async def test_a_database_is_a_copy_of_its_template(database: str, stack: Stack) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT similarity('a', 'a')") == 1.0
        name = await connection.fetchval("SELECT current_database()")
    finally:
        await connection.close()
    with pytest.raises(asyncpg.DuplicateDatabaseError):
        await create_database(stack.postgres_dsn, name)
