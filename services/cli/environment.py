"""Where the command finds its servers: `WAYMARK_*` variables, a file of them, or what `make up` left."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from services.cli.errors import CliError, ExitCode
from services.runtime.settings import Settings

UP_FILE = Path("build/up/environ")
"""Written by `make up` while its servers run; used for variables that nobody set."""

_PREFIX = "WAYMARK_"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_settings(env_file: Path | None, environ: Mapping[str, str] | None = None, folder: Path = Path()) -> Settings:
    """Settings of this command. A file that was asked for wins over variables; the one of `make up` does not.

    Raises `CliError` for a file that cannot be read or a variable with a value that does not fit.
    """
    given = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    if env_file is not None:
        values = _values(env_file)
    elif (folder / UP_FILE).is_file():
        set_already = {name.upper() for name in given}
        values = {k: v for k, v in _values(folder / UP_FILE).items() if (_PREFIX + k.upper()) not in set_already}
    try:
        return Settings(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = _PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        raise CliError(f"{name}: {problem['msg']}", ExitCode.USAGE) from None


def user_name(given: str | None, environ: Mapping[str, str] | None = None) -> str:
    """Who asks: `--user`, else $WAYMARK_USER, else the login name. It becomes a token of a subject."""
    source = os.environ if environ is None else environ
    name = given or source.get("WAYMARK_USER") or getpass.getuser()
    if not _TOKEN.fullmatch(name):
        raise CliError(
            f"{name!r} cannot be a user here: use letters, digits, - and _ (--user NAME or WAYMARK_USER)",
            ExitCode.USAGE,
        )
    return name


def shown_address(url: str) -> str:
    """A URL or DSN as it may be shown: without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _values(path: Path) -> dict[str, str]:
    """Settings in a file of lines `NAME=value` or `export NAME='value'`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"--env-file {path} cannot be read: {error}", ExitCode.USAGE) from None
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise CliError(f"{path}, line {number}: {error}", ExitCode.USAGE) from None
        for word in words[1:] if words[:1] == ["export"] else words:
            name, equals, value = word.partition("=")
            if equals and name.upper().startswith(_PREFIX):
                values[name.upper().removeprefix(_PREFIX).lower()] = value
    return values
