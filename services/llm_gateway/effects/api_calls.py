"""Makes registered HTTP calls: one request, within a time and a size, redirects not followed, secrets never told."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import httpx2
from nats.aio.msg import Msg

from contracts.configs import ApiCallConfig
from contracts.orchestrator import ApiCallRequested
from services.llm_gateway.decisions.api_calls import (
    API_CALL,
    LOST,
    ApiCall,
    Calling,
    HttpResult,
    begin,
    finish,
    is_pending,
    request_of,
)
from services.llm_gateway.decisions.filling import Filled
from services.llm_gateway.effects.configurations import Configurations
from services.runtime.effect import Effect, Performer
from services.runtime.handlers import decode_message
from services.runtime.reactor import Trigger
from services.runtime.sealing import Sealer
from services.runtime.secrets import SecretError, resolve

_ANSWER_BYTES: Final = 64 * 1024
_RESULTS_KEPT: Final = 64
_MASK: Final = "***"


def http_client() -> httpx2.AsyncClient:
    """Follows no redirect, and keeps no cookie from one call to another."""
    nowhere = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.AsyncClient(follow_redirects=False, cookies=nowhere)


@dataclass
class ApiCaller:
    """Performs calls. A result is kept until it is in the log: a log that is away for a while loses none."""

    http: httpx2.AsyncClient
    _results: OrderedDict[UUID, HttpResult] = field(default_factory=OrderedDict)

    def effect(self) -> Effect[ApiCall, HttpResult]:
        return Effect(
            name="llm-gateway-api-call",
            aggregate=API_CALL,
            triggers={Calling: lambda calling: calling.asked.call_id},
            begin=begin,
            pending=is_pending,
            perform=self._perform,
            finish=finish,
        )

    async def _perform(self, _call: ApiCall, trigger: Trigger[Calling], fresh: bool) -> HttpResult:
        call_id = trigger.what.asked.call_id
        if not fresh:
            return self._results.get(call_id, LOST)
        result = await self._once(*request_of(trigger.what))
        self._results[call_id] = result
        while len(self._results) > _RESULTS_KEPT:
            self._results.popitem(last=False)
        return result

    async def _once(self, api: ApiCallConfig, filled: Filled) -> HttpResult:
        try:
            secret = resolve(api.secret_ref).get_secret_value()
        except SecretError as error:
            return HttpResult(error_code="UNCONFIGURED", error_message=str(error))
        headers = dict(filled.headers) | ({"Authorization": f"Bearer {secret}"} if secret else {})
        begun_s = time.perf_counter()
        try:
            async with asyncio.timeout(api.timeout_s):
                result = await self._send(filled, headers, api.timeout_s)
        except (httpx2.TimeoutException, TimeoutError) as error:
            result = _unheard(error, f"no answer within {api.timeout_s:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            result = _unheard(error, str(error) or type(error).__name__)
        latency_ms = round((time.perf_counter() - begun_s) * 1000)
        return _without(replace(result, latency_ms=latency_ms), secret)

    async def _send(self, filled: Filled, headers: dict[str, str], timeout_s: float) -> HttpResult:
        async with self.http.stream(
            filled.method, filled.url, headers=headers, json=filled.body, timeout=timeout_s
        ) as response:
            content = b""
            async for part in response.aiter_bytes():
                content += part
                if len(content) >= _ANSWER_BYTES:
                    break
        text = _decoded(content[:_ANSWER_BYTES], response.charset_encoding or "utf-8")
        answer = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
        if response.is_success:
            return HttpResult(response.status_code, answer)
        message = f"it answered with HTTP status {response.status_code}"
        if response.has_redirect_location:
            message += ", a redirect, which is not followed: register the address that it leads to"
        return HttpResult(response.status_code, answer, error_code="FAILED", error_message=message)


def _decoded(content: bytes, charset: str) -> str:
    """In the character set that the other side names; one that nobody knows is no reason to lose the answer."""
    try:
        return content.decode(charset, errors="replace")
    except (LookupError, UnicodeError):
        return content.decode(errors="replace")


def _unheard(error: Exception, words: str) -> HttpResult:
    """No whole answer. What reached the other side may have been done."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.InvalidURL | UnicodeError):
        return HttpResult(error_code="UNAVAILABLE", error_message=f"it cannot be reached: {words}")
    is_late = isinstance(error, httpx2.TimeoutException | TimeoutError)
    message = f"{words}; nobody knows whether it was done"
    return HttpResult(error_code="TIMEOUT" if is_late else "UNAVAILABLE", error_message=message)


def _without(result: HttpResult, secret: str) -> HttpResult:
    """The same, with the secret masked wherever the other side repeats it."""

    def masked(text: str | None) -> str | None:
        for form in (secret, quote(secret, safe="")) if secret else ():
            text = None if text is None else text.replace(form, _MASK)
        return text

    return replace(result, answer=masked(result.answer), error_message=masked(result.error_message))


@dataclass
class ApiCallHandler:
    """Handler of `ApiCallRequested`."""

    name: str
    performer: Performer[ApiCall, HttpResult]
    configurations: Configurations
    sealer: Sealer
    instance: str

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        return trigger.what.call_id if isinstance(trigger.what, ApiCallRequested) else None

    async def handle(self, trigger: Trigger[Any]) -> None:
        asked: ApiCallRequested = trigger.what
        pinned = await self.configurations.pinned(asked, trigger.time)
        calling = Calling(asked, self.instance, pinned.config, pinned.problem)
        await self.performer.handle(asked.call_id, replace(trigger, what=calling))
