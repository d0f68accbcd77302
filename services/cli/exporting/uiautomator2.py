"""pytest with uiautomator2."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.scripts import ScriptData
from services.cli.exporting.exported import Exported
from services.cli.exporting.python_test import python_test

_RUN = "Run it with `ANDROID_SERIAL=SERIAL pytest FILE`, or `python FILE --serial SERIAL`."


def export(data: ScriptData, defaults: Mapping[str, str]) -> Exported:
    return python_test(data, defaults, module="uiautomator2_phone", tool="pytest and uiautomator2", run=_RUN, raw=False)
