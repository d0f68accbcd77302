"""What the model is told of a person's answer, and of an HTTP call that it wanted."""

from __future__ import annotations

import json
from typing import assert_never

from contracts.orchestrator import ApiCallTaken, PersonAnswered, PersonAsked

API_CHARS = 4_000
"""So much of the answer to an HTTP call is told to the model."""


def quoted(text: str) -> str:
    """What comes from outside, on one line, its own quotes escaped: data to the model, which cannot end early."""
    return json.dumps(text, ensure_ascii=False)


def words_of_answer(asked: PersonAsked, answer: PersonAnswered) -> str:
    """What the model is told of a person's answer."""
    text = "" if answer.text is None or answer.text.clear is None else answer.text.clear
    said = f', and said: "{text}"' if text else ""
    match answer.verdict:
        case "CONFIRMED":
            return f"A person agreed to this: {asked.words}{said}"
        case "DENIED":
            return f"A person did not agree to this, and it was not done: {asked.words}{said}"
        case "DONE":
            return f"A person had the phone, and gives it back to you{said}. Look at the screen anew"
        case "ANSWERED":
            return f'A person answers "{text}" to: {asked.words}'
        case "TIMED_OUT":
            return f"Nobody answered to: {asked.words}"
        case _:
            assert_never(answer.verdict)


def words_of_call(call: ApiCallTaken) -> str:
    """What the model is told of an HTTP call."""
    if call.error_code is not None:
        return f"The call {call.name} did not succeed: {call.error_message or call.error_code}"
    answer = "" if call.answer is None or call.answer.clear is None else call.answer.clear
    return f"The call {call.name} answered: {quoted(answer[:API_CHARS])}"
