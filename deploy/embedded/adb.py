"""A private adb server for simulated phones: own port, own key, no look at USB, emulators or the network.

Real phones are driven through the adb server that is already running; this one never sees them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import adbutils

_LOG = "adb-server.log"
_START_TIMEOUT_S = 15.0
_POLL_S = 0.02
_STOP_TIMEOUT_S = 5.0
_REQUEST_TIMEOUT_S = 30.0


class AdbServerError(Exception):
    """The server did not start, or refused a request; the text is its own."""


class AdbServer:
    """`async with AdbServer() as server`: a real adb server on `server.port`, ended by its process id.

    `home` holds its key; a folder of its own is made and removed where none is given. `binary` is the adb program:
    the one that adbutils brings, unless the environment names another in ADBUTILS_ADB_PATH.
    """

    def __init__(self, home: Path | None = None, binary: Path | None = None) -> None:
        self.binary = binary if binary is not None else Path(adbutils.adb_path())
        self.port = 0
        self._given_home = home
        self._home = home
        self._process: asyncio.subprocess.Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which adb tools and libraries reach this server and no other."""
        if self._home is None:
            raise AdbServerError("the adb server is not started")
        return {
            "ADBUTILS_ADB_PATH": str(self.binary),
            "ADB_EMU": "0",
            "ADB_MDNS": "0",
            "ADB_USB": "0",  # leaves plugged-in phones to their own server; the search also holds up the start for 3 s
            "ADB_SERVER_SOCKET": f"tcp:localhost:{self.port}",
            "ANDROID_ADB_SERVER_HOST": "127.0.0.1",
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "HOME": str(self._home),
        }

    async def start(self) -> None:
        """Starts it and waits until it answers; AdbServerError where it does not within 15 s."""
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="waymark-adb-"))
        self.port = self.port or _free_port()
        with (self._home / _LOG).open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                str(self.binary),
                "-L",
                f"tcp:localhost:{self.port}",
                "server",
                "nodaemon",
                env=os.environ | self.environment | {"TMPDIR": str(self._home)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                while not await self._answers():
                    await asyncio.sleep(_POLL_S)
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise AdbServerError(f"adb did not answer within {_START_TIMEOUT_S:.0f} s") from error
            raise

    async def restart(self) -> None:
        """Kills it and starts it again on the same port with the same key. It then knows no phone: who wants one has to
        connect it again."""
        await self.kill()
        await self.start()

    async def kill(self) -> None:
        """Ends it at once, as a crash would; `start` brings it back on the same port with the same key."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _answers(self) -> bool:
        """Whether the server is up; AdbServerError where its process has ended."""
        if self._process is None or self._process.returncode is not None:
            raise AdbServerError(f"adb ended at once: {self._log_tail()}")
        try:
            await self.request("host:version")
        except OSError:
            return False
        return True

    def _log_tail(self) -> str:
        return "" if self._home is None else (self._home / _LOG).read_text(errors="replace")[-2000:]

    async def stop(self) -> None:
        """Ends the process and removes the folder that was made for it."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._given_home is None and self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    async def connect(self, address: str) -> str:
        """Has the server connect to a phone, `127.0.0.1:PORT`, which is its serial from then on."""
        answer = await self.request(f"host:connect:{address}")
        if not answer.startswith(("connected", "already connected")):
            raise AdbServerError(f"adb cannot connect to {address}: {answer}")
        return address

    async def disconnect(self, address: str) -> str:
        """Makes the server forget a phone; its answer."""
        return await self.request(f"host:disconnect:{address}")

    async def request(self, service: str) -> str:
        """One request of the host protocol; AdbServerError where the server answers FAIL."""
        async with asyncio.timeout(_REQUEST_TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                encoded = service.encode()
                writer.write(b"%04x" % len(encoded) + encoded)
                status = await reader.readexactly(4)
                answer = (await reader.readexactly(int(await reader.readexactly(4), 16))).decode()
            except asyncio.IncompleteReadError as error:
                raise AdbServerError(f"adb closed the connection during {service}") from error
            finally:
                writer.close()
                await writer.wait_closed()
        if status != b"OKAY":
            raise AdbServerError(answer)
        return answer

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
