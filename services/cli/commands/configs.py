"""`config`: models that runs may ask, and channels that alerts go to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from contracts.configs import LlmConfig, alert_channel
from contracts.requests import ConfigRequest
from contracts.values import ConfigType
from services.cli import asking, queries
from services.cli.connection import Session, execute
from services.cli.errors import ExitCode
from services.cli.output import Json, complain, say, show

_NO_SECRET = "none"  # noqa: S105 - says that there is none

config_app = typer.Typer(no_args_is_help=True, help="Named configurations: models (LLM), alert channels.")


@config_app.command("list")
def list_configs(context: typer.Context, as_json: Json = False) -> None:
    """List configurations. Secrets are never in them, only where they lie.

    Example:  waymark config list --json
    """

    async def command(session: Session) -> None:
        rows = await queries.configs(await session.sql())
        shown = rows if as_json else [row | {"config": json.dumps(row["config"], ensure_ascii=False)} for row in rows]
        columns = {
            "config_type": "type",
            "name": "name",
            "enabled": "enabled",
            "secret_ref": "secret",
            "config": "config",
        }
        show(shown, columns, as_json=as_json, empty="Nothing is configured: see `waymark config set --help`.")

    execute(context, command)


@config_app.command("set")
def set_config(
    context: typer.Context,
    config_type: Annotated[
        ConfigType, typer.Argument(metavar="TYPE", case_sensitive=False, help="LLM or ALERT_CHANNEL.")
    ],
    name: Annotated[str, typer.Argument(help="Its name; setting it again replaces it.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Fields; values are read as YAML.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="YAML or JSON with the fields.")] = None,
    secret_ref: Annotated[str, typer.Option("--secret", help="none, env:NAME or file:/path.")] = _NO_SECRET,
    disabled: Annotated[bool, typer.Option("--disabled", help="Keep it, but do not use it.")] = False,
) -> None:
    """Set one named configuration, whole.

    Examples:

      waymark config set LLM main base_url=https://api.example.com/v1 model=big-1 --secret env:MODEL_KEY

      waymark config set ALERT_CHANNEL qa channel=FEISHU target=https://open.feishu.cn/.. "severities=[P1, P2]"
    """
    try:
        config = _fields(file, values or [])
        request = {"kind": "set", "config_type": config_type.value, "name": name, "secret_ref": secret_ref,
                   "config": config, "enabled": not disabled}  # fmt: skip
        ConfigRequest.model_validate_json(json.dumps(request))
        _check(config_type, config)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            complain(f"{'.'.join(map(str, problem['loc'])) or 'config'}: {problem['msg']}")
        raise typer.Exit(ExitCode.USAGE) from None

    async def command(session: Session) -> None:
        await asking.ask(session, request)
        say(f"{config_type} {name} is set; runs that start from now on use it.")

    execute(context, command)


def _fields(file: Path | None, values: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    try:
        if file is not None:
            loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
            if not isinstance(loaded, dict):
                raise typer.BadParameter(f"{file} must hold fields (`model: big-1`)", param_hint="--file")
            config = loaded
        for value in values:
            key, equals, text = value.partition("=")
            if not equals or not key:
                raise typer.BadParameter(f"{value!r} is not KEY=VALUE", param_hint="KEY=VALUE")
            config[key] = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(str(error)) from None
    return config


def _check(config_type: ConfigType, config: dict[str, Any]) -> None:
    """Raises pydantic's `ValidationError` for what the services would not understand."""
    if config_type is ConfigType.LLM:
        LlmConfig.model_validate_json(json.dumps(config))
    elif config_type is ConfigType.ALERT_CHANNEL:
        alert_channel(config)
