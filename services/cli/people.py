"""What a task asks of a person, and how a person answers it at the command line."""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from contracts.orchestrator import PersonAnswered, PersonAsked
from contracts.orchestrator.turns import PersonQuestion
from contracts.subjects import derived_id, event_filter
from services.runtime.log import Log


async def pending(log: Log, task_id: UUID) -> PersonAsked | None:
    """What the task's run asks now; None where it waits for nobody."""
    run_id = derived_id("run", task_id)
    asked = await log.last(event_filter(PersonAsked, key=run_id))
    answered = await log.last(event_filter(PersonAnswered, key=run_id))
    if asked is None or not isinstance(asked.event, PersonAsked):
        return None
    return None if answered is not None and answered.seq > asked.seq else asked.event


def ways_to_answer(question: PersonQuestion, task_id: UUID) -> str:
    """The command to type."""
    match question:
        case "CONFIRM":
            return f"waymark confirm {task_id}   or   waymark deny {task_id}"
        case "TAKE_OVER":
            return f"do it on the phone, then   waymark resume {task_id}"
        case "CHOOSE":
            return f'waymark answer {task_id} "the answer"'
        case "STUCK":
            return f'waymark answer {task_id} "what to do"   or   waymark takeover {task_id}'
        case _:
            assert_never(question)
