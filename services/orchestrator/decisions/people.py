"""People: whoever sends a request is known from then on. Tasks make their users known themselves."""

from __future__ import annotations

from datetime import datetime

from contracts.orchestrator import UserSeen
from contracts.subjects import derived_id
from services.runtime.aggregate import Aggregate
from services.runtime.handlers import RawRequest
from services.runtime.reactor import NOTHING, Decision, Reactor, Trigger

USER = Aggregate[bool]("user", "orchestrator", bool, lambda _state, _recorded: True)


def people_reactor() -> Reactor[bool]:
    """Its state is whether the user is known."""
    return Reactor("orchestrator-people", USER, {RawRequest: lambda raw: derived_id("user", raw.user)}, decide_user)


def decide_user(known: bool, trigger: Trigger[RawRequest], _now: datetime) -> Decision:
    if known:
        return NOTHING
    user = trigger.what.user
    return Decision((UserSeen(user_id=derived_id("user", user), account=user, display_name=user),))
