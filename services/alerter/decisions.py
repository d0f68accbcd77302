"""What becomes of an alert: raised, counted, open again, over, acknowledged, suppressed. Pure.

An empty decision leaves no trace, so whatever could decide otherwise when it is delivered again has to be told by the
state that it is late: that is what the order of causes is for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from contracts.alerter import (
    OWNER,
    AlertAcked,
    AlertDetailed,
    AlertEased,
    AlertRaised,
    AlertRepeated,
    AlertRequestRejected,
    AlertResolved,
    AlertSuppressed,
    Receipt,
    Snapshot,
)
from contracts.device_agent import CrashSeen, DeviceReady
from contracts.event import Event
from contracts.locator_validator import LocatorChecked
from contracts.orchestrator import (
    BudgetCrossed,
    CrashTraced,
    PersonAnswered,
    PersonAsked,
    PhoneMissed,
    PhoneQuarantined,
    PhoneRetired,
    PhoneUnquarantined,
    RunFinished,
)
from contracts.requests import AlertRequest
from contracts.screen_indexer import VersionsCompared
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import AlertStatus, AlertType, Severity
from services.alerter import crashes
from services.alerter.findings import Finding, Observed, Relief, dedup_key, finding, relief
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.handlers import RawRequest
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, LaterError, Trigger
from services.runtime.request_json import RejectedError, parse

_REQUEST = TypeAdapter(AlertRequest)
_LATE = timedelta(seconds=60)
"""So long the crash itself is waited for, after what is known about it."""
_CERTAINTY = {"NOT_TRIED": 0, "NOT_REPRODUCED": 1, "REPRODUCED": 2}
_EXAMPLE = '{"kind": "ack", "alert": "<id>", "note": "being looked at"}'


class Alert(BaseModel):
    """State of an alert. `causes`: what it can lose again, by id, each with the order of the last word about it."""

    model_config = ConfigDict(frozen=True)

    alert_id: UUID | None = None
    alert_type: AlertType | None = None
    severity: Severity = Severity.P3
    status: AlertStatus = AlertStatus.OPEN
    count: int = 0
    certainty: int = 0
    """Of what is known in detail about it."""
    triggered_at: datetime = datetime.min  # noqa: DTZ901 - of an alert that was not raised; nobody reads it
    causes: dict[str, int] = Field(default_factory=dict)


class _Codec:
    def dump(self, state: Alert) -> str:
        return state.model_dump_json()

    def load(self, text: str) -> Alert:
        return Alert.model_validate_json(text)


ALERT = Aggregate[Alert](
    "alert", OWNER, Alert, lambda s, r: evolve(s, r), LongLived(_Codec(), Snapshot, Receipt, every=200)
)


def alert_key(event: Event) -> UUID | None:
    """The alert that an event is about."""
    key = dedup_key(event)
    return None if key is None else derived_id("alert", key)


WATCHED = (
    CrashSeen,
    DeviceReady,
    PhoneMissed,
    PhoneQuarantined,
    PhoneUnquarantined,
    PhoneRetired,
    LocatorChecked,
    VersionsCompared,
    BudgetCrossed,
    RunFinished,
    CrashTraced,
    PersonAsked,
    PersonAnswered,
)
"""Events that the alerter looks at."""


# --- what other services saw ------------------------------------------------------------------------------------------


def decide_alert(alert: Alert, trigger: Trigger[Observed], now: datetime) -> Decision:
    """Raises `LaterError` for more about an alert that is not raised yet: the word of the crash itself may be late."""
    event = trigger.what.event
    if isinstance(event, CrashTraced):
        return _detailed(alert, trigger, now)
    found = finding(event, trigger.time)
    if found is not None:
        return Decision(tuple(_raised(alert, found, over=trigger.what.over)))
    gone = relief(event)
    return NOTHING if gone is None else Decision(tuple(_relieved(alert, gone)))


def _detailed(alert: Alert, trigger: Trigger[Observed], now: datetime) -> Decision:
    traced, crash = trigger.what.event, trigger.what.crash
    assert isinstance(traced, CrashTraced)
    if alert.alert_id is None and now - trigger.time < _LATE:
        raise LaterError("the alert is not raised yet", delay_s=1.0)
    certainty = _CERTAINTY[traced.verdict]
    if alert.alert_id is None or crash is None or certainty < alert.certainty:
        return NOTHING
    payload = Sealed[dict[str, Any]].of(crashes.details(crash, traced))
    detailed = AlertDetailed(
        alert_id=alert.alert_id, certainty=certainty, payload=payload, triggered_at=alert.triggered_at
    )
    return Decision((detailed,))


def _raised(alert: Alert, found: Finding, *, over: bool) -> list[Event]:
    alert_id = derived_id("alert", found.dedup_key)
    event = _raise(alert_id, found) if alert.alert_id is None else _repeat(alert, found)
    after = apply(alert, event)
    if not over or found.cause_id is None or after.causes[str(found.cause_id)] > found.cause_order:
        return [event]
    return [event, _without_cause(after, found.cause_id)]


def _raise(alert_id: UUID, found: Finding) -> AlertRaised:
    return AlertRaised(
        alert_id=alert_id,
        dedup_key=found.dedup_key,
        run_id=found.run_id,
        screen_id=found.screen_id,
        element_id=found.element_id,
        device_id=found.device_id,
        alert_type=found.alert_type,
        severity=found.severity,
        message=found.message,
        payload=Sealed[dict[str, Any]].of(found.payload),
        cause_id=found.cause_id,
        cause_order=found.cause_order,
        triggered_at=found.seen_at,
    )


def _repeat(alert: Alert, found: Finding) -> AlertRepeated:
    assert alert.alert_id is not None
    reopened = alert.status is AlertStatus.RESOLVED
    escalated = alert.status in {AlertStatus.OPEN, AlertStatus.ACKED} and found.severity < alert.severity
    return AlertRepeated(
        alert_id=alert.alert_id,
        run_id=found.run_id,
        alert_type=found.alert_type,
        severity=found.severity,
        message=found.message,
        payload=Sealed[dict[str, Any]].of(found.payload) if reopened or escalated else None,
        count=alert.count + 1,
        reopened=reopened,
        escalated=escalated,
        cause_id=found.cause_id,
        cause_order=found.cause_order,
        triggered_at=alert.triggered_at,
        seen_at=found.seen_at,
    )


def _relieved(alert: Alert, gone: Relief) -> list[Event]:
    known = alert.causes.get(str(gone.cause_id))
    return [] if known is None or gone.cause_order <= known else [_without_cause(alert, gone.cause_id)]


def _without_cause(alert: Alert, cause_id: UUID) -> AlertEased | AlertResolved:
    assert alert.alert_id is not None
    left = len(alert.causes.keys() - {str(cause_id)})
    if left or alert.status not in {AlertStatus.OPEN, AlertStatus.ACKED}:
        return AlertEased(alert_id=alert.alert_id, cause_id=cause_id, left=left)
    return AlertResolved(alert_id=alert.alert_id, by=None, triggered_at=alert.triggered_at)


# --- what people want -------------------------------------------------------------------------------------------------


def requested_alert(trigger: Trigger[RawRequest]) -> UUID:
    """The alert that a request names; one that names none has an id of its own, so that it can be answered."""
    try:
        return _read(trigger.what).alert
    except RejectedError:
        return derived_id("alert-request", trigger.id)


def decide_request(alert: Alert, trigger: Trigger[RawRequest], _now: datetime) -> Decision:
    """What the request does, or why it cannot be followed. Never nothing: it leaves a receipt, and counts once."""
    raw = trigger.what
    try:
        return Decision((_follow(alert, _read(raw), raw.user),))
    except RejectedError as refused:
        alert_id = requested_alert(trigger)
        rejected = AlertRequestRejected(alert_id=alert_id, user=raw.user, code=refused.code, reason=refused.reason)
        return Decision((rejected,))


def _read(raw: RawRequest) -> AlertRequest:
    return parse(raw.body, _REQUEST, _EXAMPLE)


def _follow(alert: Alert, request: AlertRequest, user: str) -> AlertAcked | AlertResolved | AlertSuppressed:
    if alert.alert_id is None:
        raise RejectedError(
            "UNKNOWN_ALERT", f"there is no alert {request.alert}; `waymark alerts` lists those there are"
        )
    who: dict[str, Any] = {
        "alert_id": request.alert,
        "by": derived_id("user", user),
        "account": user,
        "note": request.note,
        "triggered_at": alert.triggered_at,
    }
    match request.kind:
        case "ack":
            if alert.status is AlertStatus.RESOLVED:
                raise RejectedError("RESOLVED", f"alert {request.alert} is resolved: there is nothing to acknowledge")
            if alert.status is AlertStatus.SUPPRESSED:
                raise RejectedError(
                    "SUPPRESSED", f"alert {request.alert} is suppressed: resolve it to hear of it when it comes again"
                )
            return AlertAcked(**who)
        case "resolve":
            return AlertResolved(**who)
        case "suppress":
            return AlertSuppressed(**who)
        case _:
            assert_never(request.kind)


# --- the state --------------------------------------------------------------------------------------------------------


def evolve(alert: Alert, recorded: Recorded[Event]) -> Alert:
    return apply(alert, recorded.event)


def apply(alert: Alert, event: Event) -> Alert:
    match event:
        case AlertRaised():
            return Alert(
                alert_id=event.alert_id,
                alert_type=event.alert_type,
                severity=event.severity,
                count=1,
                triggered_at=event.triggered_at,
                causes=_with_cause({}, event),
            )
        case AlertRepeated():
            changed: dict[str, Any] = {"count": event.count, "causes": _with_cause(alert.causes, event)}
            if event.loud:
                changed |= {"status": AlertStatus.OPEN, "severity": event.severity, "certainty": 0}
            return alert.model_copy(update=changed)
        case AlertDetailed():
            return alert.model_copy(update={"certainty": event.certainty})
        case AlertEased():
            causes = {cause: order for cause, order in alert.causes.items() if cause != str(event.cause_id)}
            return alert.model_copy(update={"causes": causes})
        case AlertAcked():
            return alert.model_copy(update={"status": AlertStatus.ACKED})
        case AlertResolved():
            return alert.model_copy(update={"status": AlertStatus.RESOLVED, "causes": {}})
        case AlertSuppressed():
            return alert.model_copy(update={"status": AlertStatus.SUPPRESSED})
        case _:
            return alert


def _with_cause(causes: dict[str, int], event: AlertRaised | AlertRepeated) -> dict[str, int]:
    if event.cause_id is None:
        return causes
    cause = str(event.cause_id)
    return {**causes, cause: max(event.cause_order, causes.get(cause, 0))}
