"""Preparing a phone for a lease and putting back what it had, as the agent does, without its log."""

from __future__ import annotations

from services.device_agent.fence import Verdict
from services.device_agent.lease import note, preparing, restoring
from services.device_agent.phone import Phone

LIMIT_S = 20.0


async def prepare(phone: Phone, token: int) -> preparing.Prepared:
    outcome = await phone.fenced(preparing.prepare(token, phone.resolution), LIMIT_S, "prepare")
    assert outcome.verdict in {Verdict.DONE, Verdict.FAILED}, outcome
    return preparing.prepared(outcome.text)


async def end(phone: Phone, token: int, *, late: bool = False) -> restoring.Restored | None:
    """None where there was nothing to restore."""
    outcome = await phone.fenced(restoring.end(token), LIMIT_S, "end")
    assert outcome.verdict is Verdict.DONE, outcome
    found = note.parse(outcome.text)
    if found is None:
        return None
    outcome = await phone.fenced(restoring.restore(found, token, late=late), LIMIT_S, "restore")
    return restoring.restored(found, outcome.text)
