"""Where the adb servers are. The agent attaches to those that run, with their keys, and never starts or stops one.

A second server would fight over USB, and its new key would ask "Allow USB debugging?" on every phone.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5037
DEFAULT_PHONE_PORT = 5555

SERVERS_VARIABLE, CONNECT_VARIABLE = "WAYMARK_ADB_SERVERS", "WAYMARK_ADB_CONNECT"
"""Variables that are Waymark's own; the others are adb's."""

_UNIX = {"localfilesystem", "local", "unix"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FORMS = "tcp:HOST:PORT, tcp:PORT, localfilesystem:/PATH or localabstract:NAME"


@dataclass(frozen=True)
class ServerAddress:
    """Where an adb server listens: a TCP port, or a socket of this machine (`path`; it begins with NUL if abstract)."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    path: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it: the same words mean another server elsewhere."""
        return self.path is not None or self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def __str__(self) -> str:
        if self.path is None:
            return f"{self.host}:{self.port}"
        return f"localabstract:{self.path[1:]}" if self.path.startswith("\0") else f"localfilesystem:{self.path}"


@dataclass(frozen=True)
class AdbServer:
    """An adb server that an agent attaches to.

    `name` is what was given to it, empty for the only or unnamed first one. `place` tells it from every other server of
    the installation. `connect` are the network phones, `host:port`, that it is to be connected to at all times.
    """

    name: str
    address: ServerAddress
    place: str
    connect: tuple[str, ...] = ()


def server_address(environ: Mapping[str, str]) -> ServerAddress:
    """The address as the adb command itself finds it: ADB_SERVER_SOCKET, else ANDROID_ADB_SERVER_ADDRESS and _PORT.

    Raises `ValueError` with what to write where one of them cannot be read.
    """
    if spec := environ.get("ADB_SERVER_SOCKET", "").strip():
        return socket_address(spec, "ADB_SERVER_SOCKET")
    host = environ.get("ANDROID_ADB_SERVER_ADDRESS", "").strip() or DEFAULT_HOST
    port = environ.get("ANDROID_ADB_SERVER_PORT", "").strip() or str(DEFAULT_PORT)
    return ServerAddress(host, _port(port, "ANDROID_ADB_SERVER_PORT"))


def servers(environ: Mapping[str, str], hostname: str | None = None) -> tuple[AdbServer, ...]:
    """The adb servers of this agent: those of WAYMARK_ADB_SERVERS (`[NAME=]SOCKET,..`), else the one that adb finds.

    WAYMARK_ADB_CONNECT (`[NAME=]HOST:PORT,..`) names network phones; without a server's name they are the first one's.
    Raises `ValueError` with what to write where something cannot be read or two servers are the same.
    """
    host = hostname or socket.gethostname()
    specs = _list(environ.get(SERVERS_VARIABLE, ""))
    named = [_named(spec) for spec in specs] or [("", "")]
    found = [
        (name, socket_address(spec, SERVERS_VARIABLE) if spec else server_address(environ)) for name, spec in named
    ]
    names = [name or ("" if number == 0 else str(address)) for number, (name, address) in enumerate(found)]
    for kind, values in (("name", names), ("address", [str(address) for _, address in found])):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"{SERVERS_VARIABLE} holds the {kind} {twice[0]!r} twice: name each adb server once")
    phones = _phones(environ.get(CONNECT_VARIABLE, ""), names)
    return tuple(
        AdbServer(name, address, given or _place(address, host), phones.get(name, ()))
        for name, (given, address) in zip(names, found, strict=True)
    )


def _place(address: ServerAddress, hostname: str) -> str:
    return f"{hostname}/{address}" if address.is_local else str(address)


def _phones(text: str, names: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in _list(text):
        name, phone = _named(entry)
        name = name or names[0]
        if name not in names:
            known = ", ".join(filter(None, names)) or "none that has a name"
            raise ValueError(f"{CONNECT_VARIABLE} names the adb server {name!r}, and there is {known}")
        found[name] = (*found.get(name, ()), _phone(phone))
    return found


def _phone(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        host, port = text, str(DEFAULT_PHONE_PORT)
    if not host or re.search(r"[\s/]", host):
        raise ValueError(f"{CONNECT_VARIABLE} holds {text!r}: write HOST:PORT,HOST:PORT")
    return f"{host}:{_port(port, CONNECT_VARIABLE)}"


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _named(entry: str) -> tuple[str, str]:
    name, equals, rest = entry.partition("=")
    if not equals:
        return "", entry
    if not _NAME.fullmatch(name.strip()):
        raise ValueError(f"{entry!r} has no good name before `=`: take letters, digits, dots and hyphens")
    return name.strip(), rest.strip()


def socket_address(spec: str, variable: str) -> ServerAddress:
    """An address in adb's own form of socket. `variable` is what the message of the `ValueError` calls it."""
    kind, _, rest = spec.partition(":")
    if kind in _UNIX and rest.startswith("/"):
        return ServerAddress(path=rest)
    if kind == "localabstract" and rest:
        return ServerAddress(path=f"\0{rest}")
    if kind != "tcp" or not rest:
        raise ValueError(f"{variable}={spec!r} is not understood: write {_FORMS}")
    host, _, port = rest.rpartition(":")
    return ServerAddress(host.strip("[]") or DEFAULT_HOST, _port(port, variable))


def _port(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise ValueError(f"{name} holds the port {text!r}: write a number of 1 to 65535")
    return int(text)
