"""`apk`: what is in an APK, before it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.apks import Apk, read_apk
from services.cli.errors import CliError
from services.cli.output import Json, clean, complain, lines, print_json


def apk(
    file: Annotated[Path, typer.Argument(help="An APK, base or split.")],
    as_json: Json = False,
) -> None:
    """Show what is in an APK: package, version, Android and processors that it needs, who signed it.

    Examples:

      waymark apk shop-2.0.apk

      waymark apk shop-2.0.apk --json | jq -r .package
    """
    try:
        found = read_apk(file)
    except CliError as error:
        complain(str(error))
        raise typer.Exit(error.code) from None
    if as_json:
        print_json(_fields(found))
        return
    width = max(map(len, _fields(found)))
    lines(f"{name:<{width}}  {_shown(value)}" for name, value in _fields(found).items())


def _fields(apk: Apk) -> dict[str, Any]:
    return {
        "package": apk.package,
        "version": apk.version_name,
        "version_code": apk.version_code,
        "label": apk.label,
        "split": apk.split,
        "min_api": apk.min_api,
        "target_api": apk.target_api,
        "abis": list(apk.abis),
        "signers_sha256": list(apk.signers),
        "test_only": apk.test_only,
        "size_bytes": apk.size_bytes,
        "sha256": apk.sha256,
        "object_key": apk.key,
    }


def _shown(value: Any) -> str:
    match value:
        case None | []:
            return "–"
        case list():
            return clean(", ".join(value))
        case bool():
            return "yes" if value else "no"
        case _:
            return clean(value)
