"""A turn of a task as decisions: asked within every budget, corrected with the reason, its answer used once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.configs import LlmConfig
from contracts.event import Event
from contracts.llm_gateway import CallFinished, CallStarted
from contracts.orchestrator import TurnRequested
from contracts.subjects import derived_id
from contracts.values import TapAt, TurnRead
from services.llm_gateway.decisions.asking import Asking
from services.llm_gateway.decisions.calls import decide_call
from services.llm_gateway.decisions.exchange import Reply
from services.llm_gateway.decisions.ledger import LEDGER, Ledger
from services.llm_gateway.decisions.turn import TurnQuestion, turn_question
from services.runtime.log import Recorded
from services.runtime.reactor import Trigger
from tests.llm_gateway.test_calls import finished, started
from tests.llm_gateway.world import CART, NOW, RUN, SHOP, config, sight_of, turn_requested

ME, OTHER = "gateway-1", "gateway-2"
TAP = Reply("TEXT", '{"thinking": "加入", "action": "Tap", "element": [750, 945]}', "stop", (900, 40))
BAD = Reply("TEXT", "I would rather not say.", "stop", (900, 5))
MISS = replace(TAP, text='{"action": "Tap", "element": [500, 20]}')


def turn_config(**changes: Any) -> LlmConfig:
    return config(**{"grammar": "json", "vision": False, "token_budget_run": None} | changes)


def question_of(asked: TurnRequested, llm: LlmConfig, *boxes: Any, **absent: Any) -> TurnQuestion:
    return turn_question(asked, llm, sight_of(*(boxes or SHOP), llm=llm, **absent), NOW)


class Task:
    """A run's ledger, and gateways that decide on it."""

    def __init__(self, llm: LlmConfig | None = None) -> None:
        self.llm = llm or turn_config()
        self.events: list[Event] = []
        self.now: datetime = NOW

    @property
    def ledger(self) -> Ledger:
        state = LEDGER.initial()
        for seq, event in enumerate(self.events, 1):
            recorded = Recorded(seq, derived_id("event", seq), self.now, None, RUN, None, event)
            state = LEDGER.evolve(state, recorded)
        return state

    def when(
        self,
        asked: TurnRequested,
        reply: Reply | None = None,
        *,
        attempt: int = 0,
        instance: str = ME,
        after_s: float = 0,
    ) -> list[Event]:
        self.now += timedelta(seconds=after_s)
        asking = Asking(asked, instance, self.llm, question_of(asked, self.llm), attempt=attempt, reply=reply)
        trigger = Trigger(derived_id("trigger", asked.call_id), asking, NOW, run_id=asked.run_id)
        events = list(decide_call(self.ledger, trigger, self.now).events)
        self.events += events
        return events

    def play(self, asked: TurnRequested, reply: Reply) -> tuple[CallFinished, int]:
        """The same reply to each request: how the call ends, and how often the model was asked."""
        events, attempts = self.when(asked), 0
        while isinstance(events[-1], CallStarted):
            attempts += 1
            events = self.when(asked, reply, attempt=events[-1].attempt)
        return finished(events), attempts


def read(event: CallFinished) -> TurnRead:
    assert event.turn is not None
    return TurnRead.model_validate(event.turn.reveal())


def test_an_answer_ends_the_call_with_what_is_to_be_done_and_on_what() -> None:
    task, asked = Task(turn_config(price_input_per_million=1)), turn_requested()
    task.when(asked)
    event = finished(task.when(asked, TAP, attempt=1))
    assert (event.error_code, event.attempts, event.tokens_used_run, event.cost) == (None, 1, 940, "0.0009")
    assert (event.screen_id, event.state_id) == (asked.screen.screen_id, "state-1")
    turn = read(event)
    assert isinstance(turn.intent, TapAt)
    assert turn.intent.element is not None
    assert (turn.intent.element.text, turn.thinking) == (CART.text, "加入")
    assert turn.screen is not None
    assert turn.screen.package == asked.screen.package


def test_an_answer_that_cannot_be_understood_is_asked_again_with_the_reason_and_the_answer_quoted() -> None:
    task, asked = Task(), turn_requested()
    task.when(asked)
    again = started(task.when(asked, BAD, attempt=1))
    assert (again.attempt, again.cause) == (2, "MALFORMED")
    assert again.correction is not None
    correction = again.correction.reveal()
    assert '"I would rather not say."' in correction
    (call,) = task.ledger.open.values()
    assert call.correction == correction
    sent = question_of(asked, task.llm).request(call.correction, None)
    assert correction in str(sent.messages[-1]["content"])
    assert again.estimated_prompt_tokens > started(Task().when(asked)).estimated_prompt_tokens


def test_a_corrected_answer_is_used_and_all_attempts_are_charged() -> None:
    task, asked = Task(), turn_requested()
    task.when(asked)
    task.when(asked, BAD, attempt=1)
    event = finished(task.when(asked, TAP, attempt=2))
    assert (event.error_code, event.attempts, event.prompt_tokens) == (None, 2, 1800)


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_garbage_for_ever_ends_as_malformed_after_so_many_retries_with_the_reason(retries: int) -> None:
    event, attempts = Task(turn_config(misread_retries=retries)).play(turn_requested(), BAD)
    assert (event.error_code, attempts) == ("MALFORMED", retries + 1)
    turn = read(event)
    assert turn.intent is None
    assert turn.misread
    assert not turn.off_target


def test_a_point_that_means_nothing_is_told_with_what_is_near_and_counts_like_a_misread() -> None:
    task, asked = Task(turn_config(misread_retries=1)), turn_requested()
    task.when(asked)
    again = started(task.when(asked, MISS, attempt=1))
    assert "Near it: field, number 1 in the list, at (540, 260)" in again.correction.reveal()
    event = finished(task.when(asked, MISS, attempt=2))
    assert (event.error_code, read(event).off_target) == ("MALFORMED", True)


def test_what_was_told_is_told_again_where_an_attempt_is_lost_or_times_out() -> None:
    task, asked = Task(), turn_requested()
    task.when(asked)
    told = started(task.when(asked, BAD, attempt=1)).correction.reveal()
    late = started(task.when(asked, Reply("TIMEOUT"), attempt=2))
    lost = started(task.when(asked, instance=OTHER, after_s=20))
    assert [(event.cause, event.correction.reveal()) for event in (late, lost)] == [("TIMEOUT", told), ("LOST", told)]


@pytest.mark.parametrize("outcome", ["TIMEOUT", "RATE_LIMITED", "UNAVAILABLE", "UNCONFIGURED", "REFUSED"])
def test_trouble_of_the_endpoint_ends_the_turn_without_a_meaning(outcome: Any) -> None:
    event, _ = Task(turn_config(retries=1)).play(turn_requested(), Reply(outcome))
    assert (event.error_code, event.turn) == (outcome, None)


def test_the_budget_of_the_task_holds_where_it_is_nearer_and_says_so_before_the_end() -> None:
    need = _need()
    limit = 4 * need + 30  # Marks differ by a token or two from turn to turn.
    task = Task(turn_config(token_budget_run=100 * need, misread_retries=0))
    marks: list[tuple[str, int, str]] = []
    attempts: list[int] = []
    for number in range(1, 8):
        event, asked = task.play(turn_requested(number, token_budget=limit), replace(BAD, usage=(need - 100, 100)))
        attempts.append(asked)
        marks += [(mark.budget, mark.percent, mark.limit) for mark in event.budgets_crossed]
    assert attempts == [1, 1, 1, 1, 0, 0, 0]
    assert marks == [("TOKENS", 80, str(limit)), ("TOKENS", 100, str(limit))]
    assert task.ledger.used.tokens == 4 * need


def test_the_budget_of_the_configuration_holds_where_that_is_nearer() -> None:
    need = _need() + 30
    task = Task(turn_config(token_budget_run=need, misread_retries=0))
    first, _ = task.play(turn_requested(1, token_budget=9 * need), replace(BAD, usage=(need - 100, 100)))
    second, asked = task.play(turn_requested(2, token_budget=9 * need), BAD)
    assert (second.error_code, asked) == ("BUDGET", 0)
    assert [mark.limit for mark in first.budgets_crossed] == [str(need), str(need)]


def test_garbage_for_ever_costs_the_budget_and_not_one_call_more() -> None:
    """Each request is checked on its own: a correction that does not fit is not sent."""
    need = _need(corrected=True)
    task = Task(turn_config(misread_retries=5))
    budget = 3 * need + need // 2
    total = 0
    for number in range(1, 5):
        event, asked = task.play(turn_requested(number, token_budget=budget), replace(BAD, usage=(need - 100, 100)))
        total += asked
    assert total == 3
    assert (event.error_code, task.ledger.used.tokens <= budget) == ("BUDGET", True)


def test_what_an_endpoint_counts_beyond_the_estimate_is_learnt_from_its_first_answer() -> None:
    need = _need()
    task = Task(turn_config(misread_retries=0))
    budget = 10 * need
    first, _ = task.play(turn_requested(1, token_budget=budget), replace(BAD, usage=(4 * need, 10)))
    again = started(task.when(turn_requested(2, token_budget=budget)))
    assert again.estimated_prompt_tokens >= 4 * need
    task.when(turn_requested(2, token_budget=budget), replace(BAD, usage=(4 * need, 10)), attempt=1)
    last, asked = task.play(turn_requested(3, token_budget=budget), BAD)
    assert (last.error_code, asked, task.ledger.used.tokens <= budget) == ("BUDGET", 0, True)
    assert first.tokens_used_run == 4 * need + 10


OUTCOMES = st.sampled_from(["good", "bad", "silent", "late", "refused", "lost", "busy"])


@pytest.mark.thorough
@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(OUTCOMES, st.integers(1, 100)), max_size=40), st.integers(0, 9000), st.integers(0, 9000))
def test_no_course_of_events_spends_more_than_the_nearer_budget(
    course: list[tuple[str, int]], own: int, task_budget: int
) -> None:
    """Whatever endpoints, crashes and replicas do, as long as no prompt is longer than it was estimated."""
    task = Task(turn_config(token_budget_run=own, misread_retries=2, retries=2))
    number, last = 1, task.when(turn_requested(1, token_budget=task_budget))[-1]
    for outcome, percent in course:
        if isinstance(last, CallFinished):
            number += 1
            events = task.when(turn_requested(number, token_budget=task_budget))
        else:
            assert isinstance(last, CallStarted)
            events = _next(task, turn_requested(number, token_budget=task_budget), last, outcome, percent)
        last = events[-1]
        assert task.ledger.used.tokens <= task.ledger.committed().tokens <= min(own, task_budget)


def _next(task: Task, asked: TurnRequested, last: CallStarted, outcome: str, percent: int) -> list[Event]:
    usage = (last.estimated_prompt_tokens * percent // 100, last.estimated_completion_tokens * percent // 100)
    instance = last.instance
    replies = {
        "good": replace(TAP, usage=usage),
        "bad": replace(BAD, usage=usage),
        "silent": replace(BAD, usage=None),
        "late": Reply("TIMEOUT", may_have_cost=True),
        "refused": Reply("REFUSED"),
        "busy": Reply("RATE_LIMITED", retry_after_s=0.1),
    }
    if outcome == "lost":
        return task.when(asked, instance=OTHER if instance == ME else ME, after_s=10)
    return task.when(asked, replies[outcome], attempt=last.attempt, instance=instance)


def test_money_is_a_budget_of_its_own() -> None:
    task = Task(turn_config(price_output_per_million=1000, misread_retries=0))
    asked = turn_requested(1, cost_budget="0.15")
    first, _ = task.play(asked, replace(BAD, usage=(1, 90)))
    second, sent = task.play(turn_requested(2, cost_budget="0.15"), BAD)
    assert (first.cost_used_run, second.error_code, sent) == ("0.09", "BUDGET", 0)
    assert [(m.budget, m.percent, m.limit) for m in second.budgets_crossed] == [("COST", 100, "0.15")]
    assert Decimal(second.cost_used_run) <= Decimal("0.15")


def test_the_answer_of_who_was_replaced_is_not_used() -> None:
    task, asked = Task(), turn_requested()
    task.when(asked)
    task.when(asked, instance=OTHER, after_s=20)
    assert task.when(asked, TAP, attempt=1, instance=ME) == []
    assert finished(task.when(asked, TAP, attempt=2, instance=OTHER)).error_code is None
    assert task.when(asked, TAP, attempt=2, instance=OTHER) == []


def test_the_same_event_gives_the_same_request() -> None:
    one, other = (question_of(turn_requested(), turn_config()) for _ in range(2))
    assert one.request("told", None) == other.request("told", None)
    assert question_of(turn_requested(2), turn_config()).ask.mark != one.ask.mark


def _need(*, corrected: bool = False) -> int:
    """What one request reserves."""
    task, asked = Task(), turn_requested()
    event = started(task.when(asked))
    if corrected:
        event = started(task.when(asked, BAD, attempt=1))
    return event.estimated_prompt_tokens + event.estimated_completion_tokens
