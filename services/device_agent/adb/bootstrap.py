"""Where the adb server is. The agent attaches to the one that runs, with its key, and never starts or stops one.

A second server would fight over USB, and its new key would ask "Allow USB debugging?" on every phone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5037


@dataclass(frozen=True)
class ServerAddress:
    """Where an adb server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def server_address(environ: Mapping[str, str]) -> ServerAddress:
    """The address as the adb command itself finds it: ADB_SERVER_SOCKET, else ANDROID_ADB_SERVER_ADDRESS and _PORT.

    Raises `ValueError` with what to write where one of them cannot be read.
    """
    if socket := environ.get("ADB_SERVER_SOCKET", "").strip():
        return _from_socket(socket)
    host = environ.get("ANDROID_ADB_SERVER_ADDRESS", "").strip() or DEFAULT_HOST
    port = environ.get("ANDROID_ADB_SERVER_PORT", "").strip() or str(DEFAULT_PORT)
    return ServerAddress(host, _port(port, "ANDROID_ADB_SERVER_PORT"))


def _from_socket(socket: str) -> ServerAddress:
    kind, _, rest = socket.partition(":")
    if kind != "tcp" or not rest:
        raise ValueError(f"ADB_SERVER_SOCKET={socket!r} is not understood: write tcp:HOST:PORT or tcp:PORT")
    host, _, port = rest.rpartition(":")
    return ServerAddress(host.strip("[]") or DEFAULT_HOST, _port(port, "ADB_SERVER_SOCKET"))


def _port(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise ValueError(f"{name} holds the port {text!r}: write a number of 1 to 65535")
    return int(text)
