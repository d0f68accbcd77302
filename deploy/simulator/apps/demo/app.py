"""The demo app put together: version 1 from its pages, version 2 from version 1 and what was changed."""

from __future__ import annotations

from deploy.simulator.apps.changes import changed
from deploy.simulator.apps.demo import account, checkout, orders, shop, tools
from deploy.simulator.apps.demo.common import PACKAGE, PRODUCTS, open_product
from deploy.simulator.apps.demo.version2 import CHANGES
from deploy.simulator.apps.model import App

_ACTIVITIES = (
    "SplashActivity",
    "LoginActivity",
    "MainActivity",
    "DetailActivity",
    "SearchActivity",
    "OrderDetailActivity",
    "CheckoutActivity",
    "PaymentActivity",
    "InboxActivity",
    "SettingsActivity",
    "HelpActivity",
    "ClockActivity",
    "PickerActivity",
    "ScanActivity",
    "ToolsActivity",
    "DebugMenuActivity",
)
_PAGES = (*shop.SCREENS, *orders.SCREENS, *checkout.SCREENS, *account.SCREENS, *tools.SCREENS)

VERSION_1 = App(
    package=PACKAGE,
    version_name="1.0",
    version_code=10,
    label="Waymark Demo · 演示",
    labels={"zh-CN": "路标演示"},
    start="splash",
    screens={screen.name: screen for screen in _PAGES},
    activities=tuple(f"{PACKAGE}.{activity}" for activity in _ACTIVITIES),
    exported=frozenset({f"{PACKAGE}.SplashActivity", f"{PACKAGE}.DetailActivity"}),
    stored={
        "signed_in": "",
        "account": "guest",
        "push": "on",
        "wifi_only": "",
        "large_text": "",
        "usage": "",
        "places": "on",
    },
    memory={
        "cart": "",
        "located": "",
        **{f"{name}_{at}": "" for name in ("read", "star") for at in range(1, 5)},
        **{f"pick_{at}": "" for at in range(1, 10)},
    },
    counts=(("picked", "pick_"),),
    links={f"waymarkdemo://detail/{number}": open_product(number) for number in range(1, len(PRODUCTS) + 1)},
    permissions=("android.permission.INTERNET", "android.permission.CAMERA", "android.permission.ACCESS_FINE_LOCATION"),
)

VERSION_2 = changed(VERSION_1, "2.0", 20, CHANGES)

VERSIONS = {"1": VERSION_1, "2": VERSION_2}
"""By the name under which `load` finds them."""
