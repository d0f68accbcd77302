"""Keeps a phone's own settings over a lease: prepares it before the first action, restores it after the end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.device_agent import PhonePrepared, PhoneRestored
from contracts.orchestrator import ActionRequested, LeaseEnded
from contracts.subjects import event_filter
from services.device_agent.fence import Verdict
from services.device_agent.fitness import unfit
from services.device_agent.lease import note, preparing, restoring
from services.device_agent.lease.decisions import Lease, decide, lease_id_of
from services.device_agent.lease.note import DamagedNoteError, Note
from services.device_agent.lease.preparing import Prepared, UnpreparedError
from services.device_agent.lease.restoring import Restored
from services.device_agent.performing import Performed, Result
from services.device_agent.phone import Phone
from services.device_agent.settings import PhoneSettings
from services.runtime import telemetry
from services.runtime.clock import Clock
from services.runtime.log import Log
from services.runtime.reactor import Decider, Trigger
from services.runtime.secrets import SecretError, resolve

PREPARE_TIMEOUT_S = 60.0
RESTORE_TIMEOUT_S = 60.0
"""Longer than a script waits for another one, and then needs itself."""


@dataclass
class Keeper:
    """`refused` holds, by serial in Waymark, a digest of the secret that a lock screen refused: it is never tried
    twice, because phones lock themselves for longer each time, or erase themselves."""

    log: Log
    clock: Clock
    leases: Decider[Lease]
    settings: PhoneSettings
    refused: dict[str, str] = field(default_factory=dict)

    async def prepare(self, phone: Phone, trigger: Trigger[ActionRequested]) -> Performed | None:
        """Makes the phone ready for the lease of this action; None where it is, else why not. Raises `AdbError`, and
        what an append raises."""
        asked = trigger.what
        script = preparing.prepare(asked.lease_token, phone.resolution)
        outcome = await phone.fenced(script, PREPARE_TIMEOUT_S, "prepare")
        match outcome.verdict:
            case Verdict.DONE | Verdict.FAILED:
                pass
            case Verdict.STALE:
                return Performed(Result.STALE, outcome.text)
            case _:
                return Performed(Result.NOT_FIT, outcome.text)
        try:
            prepared = preparing.prepared(outcome.text)
        except (UnpreparedError, DamagedNoteError) as error:
            return Performed(Result.NOT_FIT, str(error))
        begins = prepared.taken_over != asked.lease_token
        reason = unfit(prepared.health, self.settings.limits) if begins else None
        if reason is None:
            reason = await self._unlock(phone, asked.serial, asked.lease_token, prepared)
        await self._tell(_prepared_event(asked, prepared, unlocked=reason is None), trigger)
        return None if reason is None else Performed(Result.NOT_FIT, reason)

    async def _unlock(self, phone: Phone, serial: str, token: int, prepared: Prepared) -> str | None:
        """Why the screen cannot be used, None where it can. `serial` is the one in Waymark."""
        if not prepared.awake:
            return "its screen stays dark: press its power button, and see whether `input keyevent 224` is allowed"
        if not prepared.locked:
            return None
        reference = self.settings.pin_of(serial, phone.tags, phone.serial)
        if reference is None:
            return (
                "its lock screen wants a secret: remove the screen lock, or name the PIN in WAYMARK_PHONE_PINS,"
                f' e.g. {{"{serial}": "env:PHONE_PIN"}}'
            )
        try:
            secret = resolve(reference).get_secret_value()
        except SecretError as error:
            return f"its lock screen wants a PIN, which cannot be had: {error}"
        digest = hashlib.sha256(f"{serial}\0{secret}".encode()).hexdigest()
        if self.refused.get(serial) == digest:
            return f"its lock screen refused the PIN of {reference} before, and is not tried again: correct the PIN"
        outcome = await phone.fenced(preparing.enter_secret(token, secret), PREPARE_TIMEOUT_S, "unlock")
        if not outcome.attempted:
            return f"its lock screen was not opened: {outcome.text}"
        if preparing.unlocked(outcome.text):
            return None
        self.refused[serial] = digest
        return f"its lock screen refuses the PIN of {reference}: correct the PIN, or unlock the phone by hand"

    async def end(self, phone: Phone, serial: str, trigger: Trigger[LeaseEnded], *, late: bool = False) -> None:
        """Puts back what the lease changed; harmless where a newer lease has begun, or nothing was changed. `serial` is
        the one in Waymark. Raises `AdbError` where the phone left meanwhile, and what an append raises."""
        token = trigger.what.lease_token
        outcome = await phone.fenced(restoring.end(token), RESTORE_TIMEOUT_S, "end")
        if outcome.verdict is Verdict.STALE:
            return  # The lease that has begun keeps the note, and its end puts back what is in it.
        if outcome.verdict is not Verdict.DONE:
            await self._tell_failure(serial, trigger, outcome.text, late=late)
            return
        try:
            found = note.parse(outcome.text + "\n" if outcome.text else "")
        except DamagedNoteError as error:
            await self._tell_failure(serial, trigger, str(error), late=late)
            return
        done = Restored() if found is None else await self._restore(phone, found, token, late=late)
        if done is not None and (found is not None or await self._was_prepared(trigger.what)):
            await self._tell(_restored_event(serial, trigger.what, done, late=late), trigger)

    async def restore_left_over(self, phone: Phone, serial: str, device_id: UUID) -> None:
        """On attachment: restores where the lease of the note has ended, and leaves one in the middle of a lease."""
        if not phone.note:
            return
        last = await self.log.last(event_filter(LeaseEnded, route=device_id))
        if last is None or not isinstance(last.event, LeaseEnded):
            return
        try:
            found = note.parse(phone.note)
        except DamagedNoteError as error:
            telemetry.log.warning("note of a lease cannot be read", serial=phone.serial, error=str(error))
            return
        if found is not None and found.token <= last.event.lease_token:
            trigger = Trigger(last.id, last.event, last.time, last.run_id, last.traceparent)
            await self.end(phone, serial, trigger, late=True)

    async def _restore(self, phone: Phone, found: Note, token: int, *, late: bool) -> Restored | None:
        script = restoring.restore(found, token, late=late)
        outcome = await phone.fenced(script, RESTORE_TIMEOUT_S, "restore")
        if outcome.verdict is Verdict.STALE:
            return None
        if outcome.verdict not in {Verdict.DONE, Verdict.FAILED}:
            return Restored(failed=dict.fromkeys(found.found, outcome.text))
        return restoring.restored(found, outcome.text)

    async def _was_prepared(self, ended: LeaseEnded) -> bool:
        """Whether the log says so though no note is there: a restart between the last change and telling of it."""
        key = lease_id_of(ended.device_id, ended.lease_token)
        return (await self.leases.states.refresh(key)).state.prepared is not None

    async def _tell_failure(self, serial: str, trigger: Trigger[LeaseEnded], reason: str, *, late: bool) -> None:
        event = _restored_event(serial, trigger.what, Restored(failed={"note": reason}), late=late)
        await self._tell(event, trigger)

    async def _tell(self, event: PhonePrepared | PhoneRestored, cause: Trigger[Any]) -> None:
        """Each attempt has an event of its own; the state of the lease decides whether it is news."""
        trigger = Trigger(cause.id, event, self.clock.now(), cause.run_id, cause.traceparent)
        attempt = f".{self.clock.new_id()}"
        await self.leases.decide(event.lease_id, trigger, decide, step=attempt, once=False)


def _prepared_event(asked: ActionRequested, prepared: Prepared, *, unlocked: bool) -> PhonePrepared:
    before = prepared.taken_over
    return PhonePrepared(
        lease_id=lease_id_of(asked.device_id, asked.lease_token),
        device_id=asked.device_id,
        run_id=asked.run_id,
        serial=asked.serial,
        lease_token=asked.lease_token,
        found=_plain(prepared.note.found),
        changed=prepared.changed,
        unchanged=prepared.refused,
        woken=prepared.woken,
        unlocked=unlocked and prepared.was_locked,
        taken_over=None if before == asked.lease_token else before,
    )


def _restored_event(serial: str, ended: LeaseEnded, done: Restored, *, late: bool) -> PhoneRestored:
    return PhoneRestored(
        lease_id=lease_id_of(ended.device_id, ended.lease_token),
        device_id=ended.device_id,
        run_id=ended.run_id,
        serial=serial,
        lease_token=ended.lease_token,
        restored=_plain(done.restored),
        left=done.left,
        failed=dict(done.failed),
        late=late,
    )


def _plain(values: Mapping[str, str | None]) -> dict[str, str | None]:
    return dict(values)
