"""What a message says, for whichever channel, and how it is cut to what a channel takes."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.notifier import NotificationPlanned
from contracts.values import AlertType

_NAMES = {
    AlertType.LOCATOR_FAILURE: "Locator failure",
    AlertType.SCREEN_DIFF: "Screens changed",
    AlertType.DEVICE_OFFLINE: "Phone offline",
    AlertType.TOKEN_BUDGET: "Token budget",
    AlertType.SYSTEM: "Crash or failed run",
}


@dataclass(frozen=True)
class Words:
    """`title` is one line, `lines` are the rest."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def words(plan: NotificationPlanned) -> Words:
    title = f"[{plan.severity}] {_NAMES[plan.alert_type]}"
    match plan.occasion:
        case "RAISED":
            pass
        case "REOPENED":
            title += " again"
        case "ESCALATED":
            title += ", more severe"
    lines = [plan.message, "", f"Seen: {plan.occurred_at:%Y-%m-%d %H:%M:%S} UTC"]
    if plan.count > 1:
        lines.append(f"Times: {plan.count}")
    if plan.run_id is not None:
        lines.append(f"Run: {plan.run_id}")
    lines.append(f"Alert: {plan.alert_id}")
    return Words(title, tuple(lines))


def cut(text: str, limit_bytes: int) -> str:
    """The text in at most this many bytes of UTF-8, never in the middle of a character."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return encoded[: limit_bytes - 3].decode(errors="ignore") + "…"
