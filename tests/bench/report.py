"""How figures are shown and kept: a table on the terminal, JSON in build/bench."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

FOLDER = Path("build") / "bench"


@dataclass(frozen=True)
class Figure:
    """One measured number. `goal` is what it is held against; None: it is for reading only."""

    name: str
    value: float
    unit: str
    goal: Callable[[float], bool] | None = None
    goal_text: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.goal(self.value)


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, lambda measured: measured <= limit, f"<= {limit:g}")


def at_least(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, lambda measured: measured >= limit, f">= {limit:g}")


def publish(target: str, figures: list[Figure], console: Console | None = None) -> Path:
    """Prints the figures of a target and writes them down; the file."""
    table = Table("figure", "value", "unit", "goal", title=target, title_justify="left")
    for figure in figures:
        verdict = {None: "", True: " met", False: " MISSED"}[figure.met]
        table.add_row(figure.name, _shown(figure.value), figure.unit, figure.goal_text + verdict)
    (console or Console()).print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{target}.json"
    path.write_text(json.dumps(_document(target, figures), indent=2) + "\n")
    return path


def _document(target: str, figures: list[Figure]) -> dict[str, object]:
    return {
        "target": target,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "load_1min": os.getloadavg()[0], "python": platform.python_version()},
        "figures": [
            {"name": f.name, "value": round(f.value, 4), "unit": f.unit, "goal": f.goal_text or None, "met": f.met}
            for f in figures
        ],
    }


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
