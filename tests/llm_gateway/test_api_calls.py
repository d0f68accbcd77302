"""Registered HTTP calls: made once at most, with parameters that stay in their place, and secrets that stay secret."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.configs import ApiCallConfig
from contracts.event import Event
from contracts.llm_gateway import ApiCallFinished, ApiCallStarted
from contracts.orchestrator import ApiCallRequested
from contracts.subjects import derived_id
from deploy.embedded.receivers import Answer, Webhook, WebhookReceiver
from services.llm_gateway.decisions.api_calls import (
    ANSWER_CHARS,
    API_CALL,
    LOST,
    Calling,
    HttpResult,
    begin,
    finish,
    is_pending,
)
from services.llm_gateway.decisions.filling import BadParameterError, filled
from services.llm_gateway.effects.api_calls import ApiCaller, http_client
from services.runtime.log import Recorded
from services.runtime.reactor import LaterError, Trigger
from tests.llm_gateway.world import NOW, RUN, api_call_requested, config

ME, OTHER = "gateway-1", "gateway-2"
NOTIFY = {
    "name": "notify",
    "method": "POST",
    "url": "https://hooks.example.com/{{room}}/send?text={{text}}",
    "headers": {"X-Room": "{{room}}"},
    "body": {"text": "{{text}}", "room": {"names": ["{{room}}", 7, None]}},
    "parameters": ("room", "text"),
}


def api(**changes: Any) -> ApiCallConfig:
    return ApiCallConfig.model_validate(NOTIFY | changes)


class Call:
    """One call's events, and gateways that decide on it."""

    def __init__(self, *apis: ApiCallConfig) -> None:
        self.llm = config(apis=[a.model_dump(mode="json") for a in apis or (api(),)])
        self.events: list[Event] = []
        self.now = NOW

    def trigger(self, asked: ApiCallRequested, instance: str = ME) -> Trigger[Calling]:
        return Trigger(derived_id("trigger", asked.call_id), Calling(asked, instance, self.llm), NOW)

    @property
    def state(self) -> Any:
        state = API_CALL.initial()
        for seq, event in enumerate(self.events, 1):
            state = API_CALL.evolve(state, Recorded(seq, derived_id("event", seq), self.now, None, RUN, None, event))
        return state

    def begin(self, asked: ApiCallRequested, instance: str = ME, *, after_s: float = 0.0) -> list[Event]:
        self.now += timedelta(seconds=after_s)
        events = list(begin(self.state, self.trigger(asked, instance), self.now).events)
        self.events += events
        return events

    def finish(self, asked: ApiCallRequested, result: HttpResult, instance: str = ME) -> list[Event]:
        events = list(finish(self.state, self.trigger(asked, instance), self.now, result).events)
        self.events += events
        return events


def one(events: list[Event]) -> Any:
    (event,) = events
    return event


def test_a_registered_call_is_started_before_it_is_made_and_ends_with_its_answer() -> None:
    call, asked = Call(), api_call_requested(room="a", text="好")
    started = one(call.begin(asked))
    assert isinstance(started, ApiCallStarted)
    assert (started.name, started.instance) == ("notify", ME)
    assert started.deadline_at > NOW + timedelta(seconds=api().timeout_s)
    ended = one(call.finish(asked, HttpResult(200, "x" * 9000, 12)))
    assert isinstance(ended, ApiCallFinished)
    assert (ended.status, ended.error_code, ended.turn, ended.latency_ms) == (200, None, asked.turn, 12)
    assert ended.answer is not None
    assert len(ended.answer.reveal()) == ANSWER_CHARS
    assert call.begin(asked) == call.finish(asked, HttpResult(200)) == []


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"room": "a"}, "REFUSED", "text is missing"),
        ({"room": "a", "text": "b", "other": "c"}, "REFUSED", "no parameter 'other'"),
        ({"room": "a\r\nX-Evil: 1", "text": "b"}, "REFUSED", "header X-Room"),
        ({"room": "..", "text": "b"}, "REFUSED", "'.' or '..'"),
        ({"room": "a", "text": "x" * 30_000}, "REFUSED", "shorten"),
        ({"room": "a", "text": "\ud800"}, "REFUSED", "half a character"),
    ],
)
def test_a_call_that_cannot_be_made_says_why_and_is_never_started(
    parameters: dict[str, str], code: str, words: str
) -> None:
    call = Call()
    ended = one(call.begin(api_call_requested(**parameters)))
    assert (ended.error_code, words in ended.error_message) == (code, True), ended.error_message
    assert not is_pending(call.state, call.trigger(api_call_requested()))


def test_a_call_that_nobody_registered_names_those_that_are() -> None:
    ended = one(Call().begin(api_call_requested(name="launch_missiles")))
    assert ended.error_code == "UNREGISTERED"
    assert "launch_missiles" in ended.error_message
    assert "notify" in ended.error_message


def test_a_call_that_was_asked_for_too_long_ago_is_not_made() -> None:
    assert one(Call().begin(api_call_requested(room="a", text="b"), after_s=3600)).error_code == "EXPIRED"


def test_what_was_started_and_not_ended_is_never_made_again() -> None:
    call, asked = Call(), api_call_requested(room="a", text="b")
    call.begin(asked)
    with pytest.raises(LaterError) as later:
        call.begin(asked, OTHER, after_s=1.0)
    assert later.value.delay_s == pytest.approx((call.state.started.deadline_at - call.now).total_seconds())
    assert call.begin(asked, OTHER, after_s=later.value.delay_s) == []
    assert one(call.finish(asked, LOST, OTHER)).error_code == "UNKNOWN_OUTCOME"


def test_instruction_and_notes_of_the_task_fill_what_is_called_like_them() -> None:
    summing = api(name="sum", url="https://x.cn/sum", headers={}, body={"what": "{{instruction}}", "of": "{{notes}}"},
                  parameters=("instruction", "notes"))  # fmt: skip
    call = Call(summing)
    asked = api_call_requested(name="sum", notes={"1": "价格 3", "4": "价格 5"}, instruction="sum up")
    assert isinstance(one(call.begin(asked)), ApiCallStarted)
    without = one(Call(api(parameters=("room", "text", "instruction"))).begin(api_call_requested(room="a", text="b")))
    assert isinstance(without, ApiCallStarted)


VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@pytest.mark.thorough
@given(VALUES, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_a_parameter_stays_in_its_place_whatever_it_holds(text: str, room: str) -> None:
    try:
        sent = filled(api(), {"room": room, "text": text})
    except BadParameterError:
        assert room in {".", ".."}
        return
    parts = urlsplit(sent.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "hooks.example.com", "")
    assert parts.path.count("/") == 2
    assert parse_qsl(parts.query, keep_blank_values=True, separator="&") == [("text", text)]
    assert sent.headers == {"X-Room": room}
    assert sent.body == {"text": text, "room": {"names": [room, 7, None]}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parameters": ("room",)}, "{{text}} is not among the parameters"),
        ({"url": "https://{{room}}.example.com/x"}, "not in its host"),
        ({"url": "https://example.com:{{room}}?x"}, "not in its host"),
        ({"headers": {"authorization": "x"}, "secret_ref": "env:KEY"}, "Authorization"),
    ],
)
def test_a_call_that_could_not_be_kept_in_bounds_is_not_registered(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        api(**changes)
    assert words in str(refused.value)


def test_a_configuration_names_each_call_once_and_leaves_the_budget_to_waymark() -> None:
    with pytest.raises(ValidationError, match="two calls"):
        config(apis=[NOTIFY, NOTIFY])
    with pytest.raises(ValidationError, match=r"extra_body\.max_tokens"):
        config(extra_body={"max_tokens": 9})


async def made(receiver: WebhookReceiver, asked: ApiCallRequested, **changes: Any) -> ApiCallFinished:
    """The whole call against a real server, as the effect makes it."""
    call = Call(api(url=receiver.url + "/{{room}}?text={{text}}", **changes))
    trigger = call.trigger(asked)
    async with http_client() as http:
        effect = ApiCaller(http).effect()
        call.begin(asked)
        result = await effect.perform(call.state, trigger, True)
    return one(call.finish(asked, result))


async def test_the_call_arrives_once_as_it_was_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "sk-123456")
    async with WebhookReceiver(lambda _: Answer(201, {"said": "收到"})) as receiver:
        ended = await made(receiver, api_call_requested(room="a", text="你 &好/"), secret_ref="env:HOOK_KEY")
        (got,) = receiver.received.all
    assert (got.method, got.path, got.query, got.json()["text"]) == ("POST", "/a", {"text": "你 &好/"}, "你 &好/")
    assert (got.headers["authorization"], got.headers["x-room"]) == ("Bearer sk-123456", "a")
    assert (ended.status, ended.error_code, json.loads(ended.answer.reveal())) == (201, None, {"said": "收到"})


async def test_a_secret_that_is_repeated_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "sk-123456")

    def echo(got: Webhook) -> Answer:
        return Answer(500, {"you": got.headers["authorization"], "pad": "x" * 10_000})

    async with WebhookReceiver(echo) as receiver:
        ended = await made(receiver, api_call_requested(room="a", text="b"), secret_ref="env:HOOK_KEY")
    assert (ended.status, ended.error_code) == (500, "FAILED")
    assert "sk-123456" not in ended.answer.reveal() + ended.error_message
    assert "Bearer ***" in ended.answer.reveal()


@pytest.mark.parametrize("charset", ["no-such-charset", "base64", "idna"])
async def test_a_character_set_that_nobody_knows_loses_no_answer(charset: str) -> None:
    def answer(_: Webhook) -> Answer:
        return Answer(200, {"said": "ok"}, headers={"Content-Type": f"application/json; charset={charset}"})

    async with WebhookReceiver(answer) as receiver:
        ended = await made(receiver, api_call_requested(room="a", text="b"))
    assert (ended.status, ended.error_code, json.loads(ended.answer.reveal())) == (200, None, {"said": "ok"})


async def test_a_redirect_is_not_followed() -> None:
    async with WebhookReceiver(lambda _: Answer(302, {}, headers={"Location": "/elsewhere"})) as receiver:
        ended = await made(receiver, api_call_requested(room="a", text="b"))
        assert receiver.received.total == 1
    assert (ended.status, ended.error_code, "redirect" in ended.error_message) == (302, "FAILED", True)


@pytest.mark.thorough
async def test_no_answer_in_time_says_that_nobody_knows_and_is_not_repeated() -> None:
    async with WebhookReceiver(lambda _: Answer(delay_s=5.0)) as receiver:
        ended = await made(receiver, api_call_requested(room="a", text="b"), timeout_s=0.2)
        assert receiver.received.total == 1
    assert (ended.status, ended.error_code, "nobody knows" in ended.error_message) == (None, "TIMEOUT", True)


async def test_what_is_not_there_is_unavailable_and_a_missing_secret_is_said_before_anything_is_sent() -> None:
    async with WebhookReceiver() as receiver:
        unset = await made(receiver, api_call_requested(room="a", text="b"), secret_ref="env:NO_SUCH_KEY")
        assert receiver.received.total == 0
    away = await made(receiver, api_call_requested(room="a", text="b"))
    assert (unset.error_code, "NO_SUCH_KEY" in unset.error_message) == ("UNCONFIGURED", True)
    assert away.error_code == "UNAVAILABLE"


async def test_a_result_is_kept_until_it_is_in_the_log() -> None:
    async with WebhookReceiver() as receiver, http_client() as http:
        call = Call(api(url=receiver.url + "/{{room}}?text={{text}}"))
        asked = api_call_requested(room="a", text="b")
        call.begin(asked)
        effect = ApiCaller(http).effect()
        first = await effect.perform(call.state, call.trigger(asked), True)
        assert await effect.perform(call.state, call.trigger(asked), False) == first
        assert await ApiCaller(http).effect().perform(call.state, call.trigger(asked), False) == LOST
        assert receiver.received.total == 1
