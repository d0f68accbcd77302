"""pytest with Appium's Python client and its UiAutomator2 driver."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.scripts import ScriptData
from services.cli.exporting.exported import Exported
from services.cli.exporting.python_test import python_test

_RUN = (
    "Run it with `APPIUM_SERVER=http://127.0.0.1:4723 ANDROID_SERIAL=SERIAL pytest FILE`, or `python FILE --serial"
    " SERIAL`."
)


def export(data: ScriptData, defaults: Mapping[str, str]) -> Exported:
    return python_test(data, defaults, module="appium_phone", tool="pytest and Appium", run=_RUN, raw=True)
