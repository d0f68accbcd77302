"""Enumerations of the contracts are the CHECK lists of the migrations: rows and events need no translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from contracts import values

MIGRATIONS = sorted((Path(__file__).parents[2] / "services").glob("*/migrations*/*.sql"))
CHECK = re.compile(r"\bCHECK\s*\(\s*(?P<column>\w+)\s+IN\s*\((?P<list>[^)]*)\)", re.IGNORECASE)
TABLE = re.compile(r"\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<table>\w+)", re.IGNORECASE)

ENUMERATIONS: dict[tuple[str, str, str], type[StrEnum]] = {
    ("orchestrator/migrations", "tasks", "coverage_profile"): values.CoverageProfile,
    ("orchestrator/migrations", "tasks", "status"): values.TaskStatus,
    ("orchestrator/migrations", "task_runs", "status"): values.RunStatus,
    ("orchestrator/migrations", "task_run_events", "event_type"): values.RunEventType,
    ("orchestrator/migrations", "integration_configs", "config_type"): values.ConfigType,
    ("device_agent/migrations", "devices", "device_type"): values.DeviceType,
    ("device_agent/migrations", "devices", "status"): values.DeviceStatus,
    ("device_agent/migrations", "task_actions", "action_type"): values.ActionType,
    ("device_agent/migrations", "task_actions", "status"): values.ActionStatus,
    ("screen_indexer/migrations", "screens", "orientation"): values.Orientation,
    ("screen_indexer/migrations", "elements", "visibility"): values.Visibility,
    ("screen_indexer/migrations", "locator_candidates", "strategy"): values.Strategy,
    ("screen_indexer/migrations", "locator_candidates", "source"): values.LocatorSource,
    ("locator_validator/migrations", "element_validations", "validation_type"): values.ValidationType,
    ("locator_validator/migrations", "element_validations", "status"): values.ValidationStatus,
    ("alerter/migrations", "alerts", "alert_type"): values.AlertType,
    ("alerter/migrations", "alerts", "severity"): values.Severity,
    ("alerter/migrations", "alerts", "status"): values.AlertStatus,
    ("notifier/migrations", "alert_notifications", "channel"): values.Channel,
    ("notifier/migrations", "alert_notifications", "send_status"): values.SendStatus,
}

WITHOUT_AN_ENUMERATION = {
    ("orchestrator/migrations_autoglm", "tasks", "status"): "of the first design: decision records 0012 and 0056",
    (
        "orchestrator/migrations_autoglm",
        "task_steps",
        "step_type",
    ): "of the first design: decision records 0012 and 0056",
}


def lists() -> Iterator[tuple[tuple[str, str, str], list[str]]]:
    """Every CHECK list of the migrations, by folder, table and column."""
    for path in MIGRATIONS:
        text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
        tables = [(m.start(), m["table"]) for m in TABLE.finditer(text)]
        for found in CHECK.finditer(text):
            table = next(name for start, name in reversed(tables) if start < found.start())
            folder = f"{path.parent.parent.name}/{path.parent.name}"
            yield (folder, table, found["column"]), re.findall(r"'([^']*)'", found["list"])


@pytest.mark.parametrize(("place", "wanted"), list(lists()), ids=lambda v: "-".join(v) if isinstance(v, tuple) else "")
def test_a_check_list_holds_what_its_enumeration_holds(place: tuple[str, str, str], wanted: list[str]) -> None:
    if place in WITHOUT_AN_ENUMERATION:
        return
    assert place in ENUMERATIONS, "name its enumeration here, or say why it has none"
    assert sorted(wanted) == sorted(ENUMERATIONS[place])


def test_every_enumeration_of_the_designs_is_checked_by_a_table() -> None:
    own = {e for e in vars(values).values() if isinstance(e, type) and issubclass(e, StrEnum) and e is not StrEnum}
    assert own == set(ENUMERATIONS.values())
    places = [place for place, _ in lists()]
    assert sorted(places) == sorted([*ENUMERATIONS, *WITHOUT_AN_ENUMERATION])
