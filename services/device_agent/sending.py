"""One action on its way through the phone's fence: its secret read, its outcome understood."""

from __future__ import annotations

from dataclasses import dataclass, replace

from contracts.orchestrator import ActionRequested
from contracts.sealed import Sealed
from contracts.values import Action, Await, Input, Sighting, Swipe
from services.device_agent import fields
from services.device_agent.aiming import sighted
from services.device_agent.capture import Capture
from services.device_agent.fence import Attempt
from services.device_agent.gestures import NOT_SHOWN
from services.device_agent.performing import Performed, Result
from services.device_agent.phone import Phone
from services.device_agent.typed_secrets import hidden, typed_secret
from services.runtime.secrets import SecretError


@dataclass(frozen=True)
class Done:
    """What came of an action. `action` is what was sent, its place found; `seen` is what was in front where nothing
    was."""

    performed: Performed
    action: Action
    sighting: Sighting | None = None
    seen: Capture | None = None


async def send(phone: Phone, asked: ActionRequested, done: Done) -> Done:
    """Through the phone's fence. A secret is read now, and appears in no word about what came of it."""
    action, secret = done.action, None
    if isinstance(action, Input) and action.secret_ref is not None:
        try:
            secret = typed_secret(action.secret_ref)
        except SecretError as error:
            return replace(done, performed=Performed(Result.IMPOSSIBLE, str(error)))
        action = action.model_copy(update={"text": Sealed[str].of(secret)})
    performed = await phone.perform(action, asked.lease_token, asked.sequence, lambda sealed: sealed.reveal())
    if secret is not None and performed.reason and performed.result is not Result.NOT_ATTEMPTED:
        performed = replace(performed, reason="a secret could not be typed: " + hidden(performed.reason, secret))
    return replace(done, performed=performed, action=action, seen=None)


async def was_attempted(phone: Phone, asked: ActionRequested) -> bool:
    """Whether the phone may have done it before, as its fence tells. Raises `AdbError`."""
    if isinstance(asked.action, Await):
        return False
    return await phone.attempted(asked.lease_token, asked.sequence) is not Attempt.NOT_ATTEMPTED


def sighting(asked: ActionRequested, done: Done, seen: Capture | None) -> Sighting | None:
    """A drag that was made tells whether what it was made for is there now."""
    if not isinstance(asked.action, Swipe) or done.seen is not None:
        return done.sighting
    there = sighted(asked.action.until, seen)
    if there is None or done.sighting is None:
        return there or done.sighting
    return there.model_copy(update={"healed_by": done.sighting.healed_by, "score": done.sighting.score})


def read_back(done: Done, seen: Capture) -> Performed:
    """Typing succeeded only if the field shows the text: what the phone's commands answer proves nothing."""
    action, performed = done.action, done.performed
    if not isinstance(action, Input) or performed.result is not Result.DONE or action.submit:
        return performed
    if fields.holds(seen.hierarchy_xml, action.point, action.text.reveal()) is False:
        return Performed(Result.FAILED, "the field does not show what was typed", performed.latency_ms, NOT_SHOWN)
    return performed
