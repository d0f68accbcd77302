"""Shapes of the named configurations that people set with `waymark.request.config.<user>`, by their type.

An ALERT_CHANNEL says where alerts go. `secret_ref` of the same configuration names its secret, which is never in
`config`: the signing secret (FEISHU), the key in the URL (WECHAT), a bearer token (PHONE), the SMTP password (EMAIL).
An LLM is a model that runs may ask; `secret_ref` names its API key.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from contracts.values import AlertType, Channel, SecretRef, Severity

SECRET_PLACE = "{secret}"  # noqa: S105 - where a secret goes, not one
"""In the URL of a WECHAT or PHONE channel: is replaced by the secret when a message is sent."""

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+", max_length=2000)]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=320)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]

_MASK = "***"
_LEAST_SECRET_CHARS = 6


class _AlertChannel(BaseModel):
    """What all channels have: which alerts they carry, and how long a message may take (20 s at most)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severities: tuple[Severity, ...] = tuple(Severity)
    types: tuple[AlertType, ...] = tuple(AlertType)
    timeout_s: float = Field(default=10.0, gt=0, le=20)

    def takes(self, severity: Severity, alert_type: AlertType) -> bool:
        return severity in self.severities and alert_type in self.types


class FeishuChannel(_AlertChannel):
    """A custom bot of a Feishu group: `target` is its webhook. The secret, where there is one, signs each message."""

    channel: Literal[Channel.FEISHU]
    target: Url
    format: Literal["interactive", "text"] = "interactive"


class WechatChannel(_AlertChannel):
    """A bot of a WeChat Work group: `target` is its webhook, best with `?key={secret}` for the key."""

    channel: Literal[Channel.WECHAT]
    target: Url


class EmailChannel(_AlertChannel):
    """Mail to `target` through an SMTP server. `username` logs in, with the secret as password."""

    channel: Literal[Channel.EMAIL]
    target: Address
    sender: Address
    host: Word
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["STARTTLS", "TLS", "NONE"] = "STARTTLS"
    username: Word | None = None

    @model_validator(mode="after")
    def _keeps_the_password_secret(self) -> Self:
        if self.username is not None and self.security == "NONE":
            raise ValueError("a login needs security STARTTLS or TLS: without it the password is readable on the way")
        return self


class PhoneChannel(_AlertChannel):
    """A call by a voice provider: JSON is posted to `target`, with the numbers in `to`."""

    channel: Literal[Channel.PHONE]
    target: Url
    to: tuple[Word, ...] = Field(min_length=1, max_length=20)


AlertChannel = FeishuChannel | WechatChannel | EmailChannel | PhoneChannel
ALERT_CHANNEL: TypeAdapter[AlertChannel] = TypeAdapter(Annotated[AlertChannel, Field(discriminator="channel")])


def alert_channel(config: dict[str, Any]) -> AlertChannel:
    """The channel in the `config` of an ALERT_CHANNEL. Raises pydantic's `ValidationError`, which names the field."""
    return ALERT_CHANNEL.validate_python(config)


def shown_target(channel: AlertChannel) -> str:
    """The address of a channel as it may be kept and shown: passwords, query values and hook tokens are masked."""
    if isinstance(channel, EmailChannel):
        return channel.target
    parts = urlsplit(channel.target)
    host = parts.netloc.rpartition("@")[2]
    query = urlencode([(name, _MASK) for name, _ in parse_qsl(parts.query, keep_blank_values=True)], safe="*")
    return urlunsplit((parts.scheme, host, _masked_path(parts.path), query, ""))


def private_parts(channel: AlertChannel) -> tuple[str, ...]:
    """What `shown_target` masks: it must not be in an event, a row or a log line either."""
    if isinstance(channel, EmailChannel):
        return ()
    parts = urlsplit(channel.target)
    found = [parts.password, *(value for _, value in parse_qsl(parts.query)), _hook_token(parts.path)]
    return tuple(part for part in found if part and len(part) >= _LEAST_SECRET_CHARS and part != SECRET_PLACE)


def _masked_path(path: str) -> str:
    token = _hook_token(path)
    return path if token is None else path.replace(token, _MASK)


def _hook_token(path: str) -> str | None:
    """Feishu puts what authorises a bot into the path: `/open-apis/bot/v2/hook/<token>`."""
    _, found, token = path.rpartition("/hook/")
    return token if found and token else None


Money = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=11, decimal_places=6)]


PARAMETER_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
"""Where a parameter is filled in: `{{name}}`."""
_OWN_FIELDS = frozenset(
    {"model", "messages", "tools", "functions", "max_tokens", "max_completion_tokens", "n", "stream", "temperature"}
    | {"top_p"}
)


class ApiCallConfig(BaseModel):
    """An HTTP call that tasks may make, by name. `url`, `body` and `headers` may hold `{{parameter}}`; only those that
    are listed in `parameters` are filled in, and each has to be given. `secret_ref` becomes a bearer token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    description: str = Field(default="", max_length=500)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Url
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    parameters: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")], ...] = ()
    secret_ref: SecretRef = "none"  # noqa: S105 - says that there is no secret
    timeout_s: float = Field(default=10.0, gt=0, le=60)
    confirm: bool = True
    """Whether a person has to agree to each call."""

    @model_validator(mode="after")
    def _fills_in_what_it_lists(self) -> Self:
        named = {name for text in (self.url, *self.headers.values()) for name in PARAMETER_PLACE.findall(text)}
        named |= set(PARAMETER_PLACE.findall(json.dumps(self.body, ensure_ascii=False)))
        if unknown := sorted(named - set(self.parameters)):
            raise ValueError(f"{{{{{unknown[0]}}}}} is not among the parameters: list it there")
        if "{{" in self.url.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0]:
            raise ValueError("a parameter may stand in the path or the query of the URL, not in its host")
        if self.secret_ref.partition(":")[2] and "authorization" in {name.lower() for name in self.headers}:
            raise ValueError("header Authorization is made of secret_ref: leave one of them out")
        return self


class LlmConfig(BaseModel):
    """A model behind an OpenAI-compatible endpoint, and what a run may spend on it: the `config` of an LLM.

    Money is in whatever currency the prices are in; it is never converted. Budgets count all calls of a run, `None`
    is no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Url
    """E.g. `https://api.example.com/v1`; `/chat/completions` is put behind it."""
    model: Word
    timeout_s: float = Field(default=20.0, gt=0, le=300)
    """How long one answer is waited for."""
    retries: int = Field(default=2, ge=0, le=5)
    """How often a request is repeated after a time-out, a limit of the rate, or an error of the endpoint."""
    max_tokens: int = Field(default=800, ge=50, le=16_384)
    """Length of one answer at most."""
    price_input_per_million: Money = Decimal(0)
    price_output_per_million: Money = Decimal(0)
    token_budget_run: int | None = Field(default=200_000, ge=0)
    cost_budget_run: Money | None = None
    vision: bool = False
    """Whether the model can look at a screenshot."""
    grammar: Literal["autoglm", "tools", "json", "numbered"] = "json"
    """How it says what to do in a task: `do(action=..)` as AutoGLM does, tool calls, a JSON object, or a JSON object
    that names elements by number (for models that cannot place a point)."""
    coordinates: Literal["per_mille", "pixels", "fraction"] = "per_mille"
    """Space of its points: 0 to 999 of width and height, pixels of the picture that it was sent, or 0 to 1."""
    observation: Literal["auto", "picture", "text", "both"] = "auto"
    """What it is shown of a screen. `auto`: both where it has vision, except that AutoGLM is shown what it was trained
    on, the picture; else the text."""
    image_side_px: int = Field(default=1024, ge=256, le=4096)
    """Longest side of a picture that is sent."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of each request, as the endpoint knows them."""
    misread_retries: int = Field(default=2, ge=0, le=5)
    """How often, within one turn, an answer that cannot be understood is asked for again, with the reason."""
    apis: tuple[ApiCallConfig, ...] = Field(default=(), max_length=50)
    """HTTP calls that tasks may make."""

    @model_validator(mode="after")
    def _keeps_its_budget(self) -> Self:
        if own := sorted(_OWN_FIELDS & set(self.extra_body)):
            raise ValueError(
                f"extra_body.{own[0]} is set by Waymark itself: what it costs is counted before it is sent"
            )
        names = [api.name for api in self.apis]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two calls of apis are named {twice[0]}: a name means one call")
        return self
