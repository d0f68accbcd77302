"""`python -m tests.bench [NAME ..]`: measures, prints tables, writes build/bench/NAME.json. Without names: all."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Awaitable, Callable

import uvloop

from tests.bench.report import Figure, publish

TARGETS = ("steps", "projection", "simulator", "adb", "deciding", "hand", "fleet", "tasks")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*TARGETS, []], default=[], metavar="NAME", help=", ".join(TARGETS))
    for name in parser.parse_args().names or TARGETS:
        measure: Callable[[], Awaitable[list[Figure]]] = importlib.import_module(f"tests.bench.{name}").measure
        publish(name, uvloop.run(_as_coroutine(measure)))


async def _as_coroutine(measure: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    return await measure()


if __name__ == "__main__":
    main()
