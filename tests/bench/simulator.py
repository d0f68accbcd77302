"""What the simulated phone itself costs, in its own process: a picture for the first time and again, a hierarchy."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from deploy.simulator.apps.paint import png
from deploy.simulator.apps.windows import window_xml
from deploy.simulator.catalogue import world_for
from tests.bench.report import Figure

_APP = "com.waymark.demo"
_NOW_S = 1_800_000_000.0
_STEPS = 20


async def measure() -> list[Figure]:
    png.cache_clear()
    window_xml.cache_clear()
    fresh: list[float] = []
    again: list[float] = []
    hierarchies: list[float] = []
    world = world_for("demo@1", 0)
    world.picture(_NOW_S)  # Reads the fonts.
    world.launch(_APP, None, _NOW_S)
    for number in range(_STEPS):
        now_s = _NOW_S + 5.0 * (number + 1)
        seen = png.cache_info().misses
        first_ms = _ms(lambda now_s=now_s: world.picture(now_s))
        if png.cache_info().misses > seen:
            fresh.append(first_ms)
        again.append(_ms(lambda now_s=now_s: world.picture(now_s)))
        hierarchies.append(_ms(lambda now_s=now_s: world.surface(now_s)))
        world.tap(540, 300 + 70 * number, now_s)
        world.type_text("x", now_s)  # Where a field has the focus now, each letter is another picture.
    return [
        Figure("pictures that were new", len(fresh), ""),
        Figure("picture, first time, median", median(fresh), "ms"),
        Figure("picture again, median", median(again), "ms"),
        Figure("surface with its hierarchy, median", median(hierarchies), "ms"),
    ]


def _ms(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * 1e3
