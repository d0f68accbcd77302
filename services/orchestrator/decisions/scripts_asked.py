"""Steps in a request: what is kept of them, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from contracts.requests import ExploreRequest, GoalRequest, StepsRequest
from contracts.sealed import Sealed
from contracts.steps import NESTING_LIMIT, STEPS_LIMIT, IfSeenStep, LaunchStep, Step, variables_in
from contracts.values import ANDROID
from services.runtime.request_json import RejectedError

SCRIPT_BYTES = 60_000
"""The events that hold a task hold its script too, sealed, and are 256 KB at most."""


def script_of(request: ExploreRequest | StepsRequest | GoalRequest) -> Sealed[dict[str, Any]] | None:
    """The steps of a request with their variables, to be sealed; None where it has none. Raises `RejectedError`."""
    field, steps = ("steps", request.steps) if isinstance(request, StepsRequest) else ("setup", request.setup)
    if not steps:
        if request.variables:
            raise RejectedError("INVALID", "variables: there are no steps that could use them")
        return None
    count, depth = _extent(steps)
    if count > STEPS_LIMIT or depth > NESTING_LIMIT:
        raise RejectedError(
            "INVALID", f"{field}: {count} steps, {depth} deep; {STEPS_LIMIT} and {NESTING_LIMIT} are the most"
        )
    if request.package == ANDROID and launches_nothing(steps):
        raise RejectedError("INVALID", f"{field}: launch: which app? Name it there, or give `app`")
    written = [step.model_dump(mode="json", exclude_none=True) for step in steps]
    unknown = {n for n in variables_in(written) if not n.startswith("account.")} - request.variables.keys()
    if unknown:
        raise RejectedError("INVALID", f"{field}: no variable is given for {', '.join(sorted(unknown))}")
    script = {"steps": written, "variables": request.variables}
    size = len(json.dumps(script, ensure_ascii=False).encode())
    if size > SCRIPT_BYTES:
        raise RejectedError("TOO_LARGE", f"{field}: the steps are {size} bytes long; {SCRIPT_BYTES} is the most")
    return Sealed[dict[str, Any]].of(script)


def plain_name(kind: str, package: str) -> str:
    """What a task is called that nobody gave a name."""
    return f"{kind} {'the phone' if package == ANDROID else package}"


def launches_nothing(steps: Iterable[Step]) -> bool:
    """Whether a step starts the app that the task is about, which is none."""
    return any(
        (isinstance(step, LaunchStep) and step.launch.app is None)
        or (isinstance(step, IfSeenStep) and launches_nothing(step.if_seen.steps))
        for step in steps
    )


def _extent(steps: Iterable[Step], depth: int = 1) -> tuple[int, int]:
    """How many steps there are, those within others included, and how deep they go."""
    count, deepest = 0, depth
    for step in steps:
        count += 1
        if isinstance(step, IfSeenStep):
            inner, below = _extent(step.if_seen.steps, depth + 1)
            count, deepest = count + inner, max(deepest, below)
    return count, deepest
