"""Secrets by reference: a configuration says where a secret lies, and it is read when it is needed, never kept.

`none`, `env:NAME` (a variable of this process) or `file:/path` (a file that this process may read, as Kubernetes mounts
them). A secret that is changed there counts from the next use on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

_LIMIT_BYTES = 64 * 1024


class SecretError(Exception):
    """A secret cannot be had. The message names the place, never the value, and says what to do."""


def resolve(secret_ref: str, environ: Mapping[str, str] | None = None) -> SecretStr:
    """The secret behind a reference; empty for `none`. Raises `SecretError`."""
    kind, _, place = secret_ref.partition(":")
    match kind:
        case "none" if not place:
            return SecretStr("")
        case "env" if place:
            return _from_environment(place, os.environ if environ is None else environ)
        case "file" if place:
            return _from_file(Path(place))
        case _:
            raise SecretError(f"{secret_ref!r} is no reference to a secret: use none, env:NAME or file:/path")


def _from_environment(name: str, environ: Mapping[str, str]) -> SecretStr:
    value = environ.get(name, "")
    if not value:
        raise SecretError(f"variable {name} is not set or empty: set it in the environment of this service")
    return SecretStr(value)


def _from_file(path: Path) -> SecretStr:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}): mount the secret there, readable") from None
    if len(content) > _LIMIT_BYTES:
        raise SecretError(f"{path} holds more than {_LIMIT_BYTES} bytes: is it the right file?")
    try:
        value = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8 text: is it the right file?") from None
    if not value:
        raise SecretError(f"{path} is empty: put the secret there")
    return SecretStr(value)
