"""The summary that a QA engineer reads when the demonstration has ended, from the tables that the run has filled."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_RUNS = """
SELECT v.version_name, d.model, r.status, r.total_actions, r.coverage_screens, r.metrics, r.failure_reason,
       (SELECT count(DISTINCT e.locator_candidate_id) FROM locator_validator.element_validations e
         WHERE e.task_run_id = r.id AND e.status = 'PASSED') AS verified,
       (SELECT count(DISTINCT e.locator_candidate_id) FROM locator_validator.element_validations e
         WHERE e.task_run_id = r.id) AS checked
FROM orchestrator.task_runs r
JOIN orchestrator.tasks t ON t.id = r.task_id
JOIN orchestrator.app_versions v ON v.id = t.app_version_id
JOIN device_agent.devices d ON d.id = r.device_id
ORDER BY v.version_name
"""
_DIFFS = """
SELECT count(*) AS pairs, coalesce(sum((diff_summary->>'broken')::int), 0) AS broken,
       coalesce(sum((diff_summary->>'at_risk')::int), 0) AS at_risk
FROM screen_indexer.screen_diffs
"""
_ALERTS = "SELECT alert_type, severity, message, status FROM alerter.alerts ORDER BY severity, alert_type, message"
_NOTIFIED = "SELECT channel, send_status, count(*) FROM notifier.alert_notifications GROUP BY 1, 2 ORDER BY 1, 2"


@dataclass(frozen=True)
class Summary:
    """What is shown, and whether everything that should be there is there."""

    shown: RenderableType
    complete: bool


async def summarise(dsn: str, *, dropped: tuple[str, ...], added: tuple[str, ...], crash_stack: str | None) -> Summary:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.set_type_codec("jsonb", encoder=str, decoder=_json, schema="pg_catalog")
        runs = await connection.fetch(_RUNS)
        diffs = await connection.fetchrow(_DIFFS)
        alerts = await connection.fetch(_ALERTS)
        notified = await connection.fetch(_NOTIFIED)
    finally:
        await connection.close()
    assert diffs is not None, "an aggregate without GROUP BY always has a row"
    parts: list[RenderableType] = [_runs_table(runs)]
    parts.append(_versions(diffs, dropped, added))
    if alerts:
        parts.append(_alerts_table(alerts))
    if notified:
        sent = ", ".join(f"{row[2]} {row[0]} {row[1].lower()}" for row in notified)
        parts.append(Text(f"Notifications: {sent}"))
    if crash_stack:
        parts.append(Panel(Text(crash_stack), title="The crash, as the phone logged it", title_align="left"))
    complete = len(runs) == 2 and all(row["status"] == "SUCCEEDED" for row in runs) and diffs["pairs"] > 0
    return Summary(Group(*parts), complete)


def _runs_table(runs: list[asyncpg.Record]) -> Table:
    table = Table(title="Runs", title_justify="left")
    for heading in ("Version", "Phone", "Status"):
        table.add_column(heading)
    for heading in ("Screens", "Activities reached", "Actions", "Locators verified", "Crashes"):
        table.add_column(heading, justify="right")
    for row in runs:
        metrics = row["metrics"]
        reached, declared = (len(metrics.get(f"activities_{kind}", ())) for kind in ("reached", "declared"))
        verified = f"{row['verified']} of {row['checked']}"
        if row["checked"]:
            verified += f" ({100 * row['verified'] / row['checked']:.0f} %)"
        status = row["status"] if row["failure_reason"] is None else f"{row['status']}: {row['failure_reason']}"
        table.add_row(
            row["version_name"],
            row["model"],
            status,
            str(row["coverage_screens"]),
            f"{reached} of {declared}",
            str(row["total_actions"]),
            verified,
            str(metrics.get("crashes", "-")),
        )
    return table


def _versions(diffs: asyncpg.Record, dropped: tuple[str, ...], added: tuple[str, ...]) -> Text:
    text = Text("\nVersion 2 against version 1: ", style="bold")
    text.append(f"{diffs['pairs']} screens in both, ", style="not bold")
    text.append(f"{diffs['broken']} locators broken", style="red")
    text.append(f", {diffs['at_risk']} at risk", style="yellow")
    if dropped:
        text.append(f"\nDropped: {', '.join(dropped)}", style="not bold")
    if added:
        text.append(f"\nAdded: {', '.join(added)}", style="not bold")
    text.append("\n")
    return text


def _alerts_table(alerts: list[asyncpg.Record]) -> Table:
    table = Table(title="Alerts", title_justify="left")
    for heading in ("Severity", "Kind", "Message", "Status"):
        table.add_column(heading)
    for row in alerts:
        table.add_row(row["severity"], row["alert_type"], row["message"][:140], row["status"])
    return table


def _json(text: str) -> object:
    import json

    return json.loads(text)
