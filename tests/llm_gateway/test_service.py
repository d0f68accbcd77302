"""The llm-gateway as a process: a question becomes one answer, paid once, whatever crashes or is delivered again.

The tests share one gateway: each has a run and a model configuration of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts import topology
from contracts.llm_gateway import CallFinished, CallStarted
from contracts.orchestrator import AdviceRequested
from contracts.sealed import Sealed
from contracts.subjects import event_filter
from deploy.embedded.openai_server import Failure, Garbage, Hang, ModelRequest, Reply, ScriptedModel, Turn
from services.runtime.clock import SystemClock
from services.runtime.log import Recorded
from tests.llm_gateway.world import SECRET, advice_requested, config, config_changed
from tests.one_service import OneService

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

ANSWER = '```json\n{"order": [2, 3], "texts": {"1": "小明@例子.cn"},}\n```'


@dataclass
class Run:
    """A run that asks, with a model configuration of its own."""

    gateway: OneService
    run_id: UUID
    config_id: UUID

    async def configure(self, endpoint: ScriptedModel, version: int = 1, **changes: Any) -> None:
        llm = config(base_url=endpoint.base_url, price_input_per_million=1, price_output_per_million=2, **changes)
        changed = config_changed(llm, version=version, secret_ref="env:MODEL_KEY", config_id=self.config_id)
        await self.gateway.append(changed)

    async def ask(self, number: int = 1, **changes: Any) -> AdviceRequested:
        given = {"run_id": self.run_id, "config_id": self.config_id, **changes}
        asked = advice_requested(number, now=SystemClock().now(), **given)
        await self.gateway.append(asked)
        return asked

    async def events(self) -> list[Recorded[Any]]:
        return list(await self.gateway.log.read("llm_gateway", self.run_id, from_leader=True))

    async def finished(self, count: int = 1) -> list[CallFinished]:
        """The ends of this run's calls once there are `count`; fails where there are more."""

        async def look() -> list[CallFinished]:
            return [r.event for r in await self.events() if isinstance(r.event, CallFinished)]

        calls: list[CallFinished] = await self.gateway.until(look, lambda found: len(found) >= count)
        assert len(calls) == count
        return calls

    async def rows(self) -> list[dict[str, Any]]:
        return await self.gateway.rows(
            "SELECT * FROM llm_logs WHERE task_run_id = $1 ORDER BY created_at, id", self.run_id
        )


@pytest.fixture
def run(gateway: OneService) -> Run:
    return Run(gateway, uuid4(), uuid4())


async def test_a_question_becomes_an_answer_a_row_and_a_price(run: Run) -> None:
    async with ScriptedModel([Reply(ANSWER, 1000, 50)], api_key=SECRET) as model:
        await run.configure(model)
        asked = await run.ask()
        (call,) = await run.finished()
    assert (call.error_code, call.order, call.texts.reveal()) == (None, ("login", "help"), {"field": "小明@例子.cn"})
    assert (call.tokens_used_run, call.cost_used_run, call.attempts) == (1050, "0.0011", 1)
    (row,) = await run.rows()
    recorded = (await run.events())[-1]
    assert (row["id"], row["task_run_id"], row["screen_id"]) == (asked.call_id, run.run_id, asked.screen_id)
    assert (row["prompt_tokens"], row["completion_tokens"], row["cost"]) == (1000, 50, Decimal("0.0011"))
    assert (row["model_name"], row["error_code"], row["task_action_id"]) == ("m", None, None)
    assert (row["latency_ms"], row["created_at"]) == (call.latency_ms, recorded.time)


async def test_prompt_and_answer_are_sealed_in_log_and_row_and_open_with_the_key_of_the_run(
    run: Run,
) -> None:
    async with ScriptedModel([ANSWER]) as model:
        await run.configure(model)
        await run.ask()
        (call,) = await run.finished()
        assert model.requests.all[0].authorization == f"Bearer {SECRET}"
        assert "邮箱" in model.requests.all[0].text
    (row,) = await run.rows()
    filtered = event_filter(CallFinished, key=run.run_id)
    kept = (await run.gateway.js.get_last_msg("WAYMARK", filtered)).data or b""
    shown = kept.decode() + json.dumps([row["request_payload"], row["response_payload"]], ensure_ascii=False)
    assert "DATA" not in shown
    assert "begin_of" not in shown
    assert SECRET not in shown
    sealed = call.model_copy(update={"request_payload": Sealed[dict[str, Any]].model_validate(row["request_payload"])})
    opened = await run.gateway.sealer.open(sealed)
    assert isinstance(opened, CallFinished)
    assert "邮箱" in opened.request_payload.reveal()["messages"][1]["content"]
    assert opened.response_payload.reveal()["text"] == ANSWER


async def test_a_run_keeps_the_version_that_it_pinned(run: Run) -> None:
    async with ScriptedModel(lambda asked: json.dumps({"order": [2 if asked.body["model"] == "old" else 3]})) as model:
        await run.configure(model, 1, model="old")
        await run.configure(model, 2, model="new")
        await run.ask(1, config_version=1)
        await run.ask(2, config_version=2)
        calls = {call.model_name: call.order for call in await run.finished(2)}
    assert calls == {"old": ("login",), "new": ("help",)}


async def test_without_a_model_the_run_is_told_so(run: Run) -> None:
    await run.ask(1, config_version=7)
    (call,) = await run.finished()
    assert (call.error_code, call.attempts, call.model_name) == ("UNCONFIGURED", 0, "none")
    (row,) = await run.rows()
    assert (row["error_code"], row["prompt_tokens"]) == ("UNCONFIGURED", 0)


async def test_a_key_that_cannot_be_had_says_so_and_nothing_is_sent(run: Run) -> None:
    async with ScriptedModel([]) as model:
        llm = config(base_url=model.base_url)
        await run.gateway.append(config_changed(llm, secret_ref="env:NO_SUCH_KEY", config_id=run.config_id))
        await run.ask()
        (call,) = await run.finished()
        assert model.requests.total == 0
    assert call.error_code == "UNCONFIGURED"


TROUBLE: dict[str, tuple[list[Turn], str | None, int]] = {
    "an error, then an answer": ([Failure(500), ANSWER], None, 2),
    "a limit of the rate, then an answer": ([Failure(429, retry_after_s=0.1), ANSWER], None, 2),
    "errors only": ([Failure(503), Failure(503)], "UNAVAILABLE", 2),
    "no answer in time": ([Hang(), Hang()], "TIMEOUT", 2),
    "a malformed answer, then a good one": (["I like it", ANSWER], None, 2),
    "malformed answers": (["I like it", "So do I"], "MALFORMED", 2),
    "garbage": ([Garbage(), Garbage(b"{", "application/json")], "MALFORMED", 2),
    "a wrong key": ([Failure(401)], "UNCONFIGURED", 1),
    "a refusal": ([Failure(400, "content policy")], "REFUSED", 1),
}


async def test_trouble_of_every_kind_ends_in_an_answer_or_says_what_it_was(run: Run) -> None:
    """Each kind on a screen of its own."""
    by_screen: dict[str, list[Turn]] = {f"Screen {n}": list(turns) for n, (turns, _, _) in enumerate(TROUBLE.values())}

    def script(asked: ModelRequest) -> Turn:
        (name,) = [name for name in by_screen if f'"{name}"' in asked.text]
        return by_screen[name].pop(0)

    async with ScriptedModel(script) as model:
        await run.configure(model, retries=1, timeout_s=0.6)
        for number in range(len(TROUBLE)):
            await run.ask(number, screen_name=f"Screen {number}")
        calls = {call.state_id: call for call in await run.finished(len(TROUBLE))}
    for number, (name, (turns, code, attempts)) in enumerate(TROUBLE.items()):
        call = calls[f"state-{number}"]
        assert (call.error_code, call.attempts) == (code, attempts), name
        assert by_screen[f"Screen {number}"] == [], name
        assert call.order == (() if code else ("login", "help")), name
        assert (call.prompt_tokens == 0) == all(isinstance(turn, Failure) for turn in turns), name
    total = max(call.tokens_used_run for call in calls.values())
    assert total == sum(call.prompt_tokens + call.completion_tokens for call in calls.values())


async def test_a_budget_stops_the_calls_of_a_run_and_not_of_another(run: Run) -> None:
    async with ScriptedModel(lambda _: Reply(ANSWER, 900, 100)) as model:
        await run.configure(model, token_budget_run=2600)
        for number in (1, 2, 3):
            await run.ask(number)
            await run.finished(number)
        other = Run(run.gateway, uuid4(), run.config_id)
        await other.ask(4)
        calls = await run.finished(3) + await other.finished(1)
        assert model.requests.total == 3
    assert [call.error_code for call in calls] == [None, None, "BUDGET", None]
    assert [call.tokens_used_run for call in calls] == [1000, 2000, 2000, 1000]
    assert [[mark.percent for mark in call.budgets_crossed] for call in calls] == [[], [], [100], []]


async def test_everything_delivered_again_adds_no_event_and_no_request(run: Run) -> None:
    async with ScriptedModel([ANSWER, "no", "no", Failure(400)]) as model:
        await run.configure(model)
        for number in (1, 2, 3):
            await run.ask(number)
            await run.finished(number)
        await run.ask(4, config_version=9, patience_s=0.0)
        await run.finished(4)
        before, rows = await run.gateway.last_seq(), await run.rows()
        await run.gateway.reset(topology.CALLS)
        run.gateway.platform.kill_service("llm_gateway")
        run.gateway.platform.start_service("llm_gateway")
        run.gateway.platform.start_service("llm_gateway", 1)
        await run.gateway.reset(topology.CALLS)
        run.gateway.platform.kill_service("llm_gateway", 1)
        assert await run.gateway.last_seq() == before
        assert await run.rows() == rows
        assert model.requests.total == 4


async def test_a_gateway_killed_while_it_asks_costs_one_more_request_and_one_answer_is_used(
    run: Run,
) -> None:
    async with ScriptedModel([Reply('{"order": [3]}', delay_s=30.0), Reply(ANSWER, 700, 70)]) as model:
        await run.configure(model, timeout_s=2.0)
        await run.ask()
        await model.requests.wait_for(1)
        run.gateway.platform.kill_service("llm_gateway")
        run.gateway.platform.start_service("llm_gateway")
        (call,) = await run.finished()
        assert model.requests.total == 2
    first, second = [r.event for r in await run.events() if isinstance(r.event, CallStarted)]
    assert (second.attempt, second.cause) == (2, "LOST")
    assert (call.error_code, call.order, call.attempts) == (None, ("login", "help"), 2)
    assert call.prompt_tokens == first.estimated_prompt_tokens + 700
    assert call.tokens_used_run == first.estimated_prompt_tokens + first.estimated_completion_tokens + 770


async def test_two_gateways_ask_once_for_each_question(run: Run) -> None:
    run.gateway.platform.start_service("llm_gateway", 1)
    async with ScriptedModel(lambda _: Reply(ANSWER, 10, 1, delay_s=0.05)) as model:
        await run.configure(model)
        for number in range(1, 31):
            await run.ask(number)
        calls = await run.finished(30)
        await run.gateway.idle(topology.CALLS)
        assert model.requests.total == 30
    run.gateway.platform.kill_service("llm_gateway", 1)
    assert sorted(call.tokens_used_run for call in calls) == [11 * n for n in range(1, 31)]
