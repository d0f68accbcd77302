"""Alerts, channels and plans as the notifier gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.alerter import AlertRaised, AlertRepeated
from contracts.configs import alert_channel
from contracts.notifier import NotificationPlanned, Target
from contracts.orchestrator import ConfigChanged
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import AlertType, ConfigType, Severity
from services.notifier.decisions import Notice, PinnedChannel, decide_plan
from services.runtime.reactor import Trigger

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
RUN = derived_id("run", "1")
ALERT_ID = derived_id("alert", "crash")
MESSAGE = "com.example.shop 1.0 crashed: IllegalStateException: 购物车是空的 at CartActivity.pay(CartActivity.java:42)"


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def raised(**changes: Any) -> AlertRaised:
    fields: dict[str, Any] = {
        "alert_id": ALERT_ID,
        "dedup_key": "crash",
        "run_id": RUN,
        "alert_type": AlertType.SYSTEM,
        "severity": Severity.P1,
        "message": MESSAGE,
        "payload": Sealed[dict[str, Any]].of({"stack": "at CartActivity.pay"}),
        "triggered_at": NOON,
    }
    return AlertRaised(**(fields | changes))


def repeated(count: int, **changes: Any) -> AlertRepeated:
    fields: dict[str, Any] = {
        "alert_id": ALERT_ID,
        "run_id": RUN,
        "alert_type": AlertType.SYSTEM,
        "severity": Severity.P1,
        "message": MESSAGE,
        "payload": None,
        "count": count,
        "reopened": False,
        "escalated": False,
        "triggered_at": NOON,
        "seen_at": after(60),
    }
    return AlertRepeated(**(fields | changes))


def configured(name: str, config: dict[str, Any], version: int = 1, **changes: Any) -> ConfigChanged:
    fields: dict[str, Any] = {
        "config_id": derived_id("config", ConfigType.ALERT_CHANNEL, name),
        "version": version,
        "config_type": ConfigType.ALERT_CHANNEL,
        "name": name,
        "secret_ref": "none",
        "config": config,
        "enabled": True,
        "changed_by": "alice",
    }
    return ConfigChanged(**(fields | changes))


def pinned(name: str, config: dict[str, Any], version: int = 1) -> PinnedChannel:
    event = configured(name, config, version)
    return PinnedChannel(event.config_id, name, version, alert_channel(config))


def planned(*channels: PinnedChannel, alert: AlertRaised | AlertRepeated | None = None) -> NotificationPlanned:
    trigger = Trigger(derived_id("event", 1), Notice(alert or raised(), channels), NOON)
    (plan,) = decide_plan(False, trigger, NOON).events
    assert isinstance(plan, NotificationPlanned)
    return plan


def target_of(plan: NotificationPlanned, name: str) -> Target:
    return next(t for t in plan.targets if t.config_name == name)


def notification(name: str, alert_id: UUID = ALERT_ID, count: int = 1) -> UUID:
    """The id that the message of a channel has, spelled out."""
    config_id = derived_id("config", "ALERT_CHANNEL", name)
    return derived_id("notification", derived_id("occurrence", alert_id, count), config_id)
