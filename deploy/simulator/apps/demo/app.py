"""The demo app put together."""

from __future__ import annotations

from deploy.simulator.apps.demo import shop
from deploy.simulator.apps.demo.common import PACKAGE, PRODUCTS, open_product
from deploy.simulator.apps.model import App

_ACTIVITIES = ("SplashActivity", "LoginActivity", "MainActivity", "DetailActivity", "SearchActivity")

VERSION_1 = App(
    package=PACKAGE, version_name="1.0", version_code=10, label="Waymark Demo · 演示", start="splash",
    screens={screen.name: screen for screen in shop.SCREENS},
    activities=tuple(f"{PACKAGE}.{activity}" for activity in _ACTIVITIES),
    exported=frozenset({f"{PACKAGE}.SplashActivity", f"{PACKAGE}.DetailActivity"}),
    stored={"signed_in": "", "account": "guest"}, memory={},
    links={f"waymarkdemo://detail/{number}": open_product(number) for number in range(1, len(PRODUCTS) + 1)},
    permissions=("android.permission.INTERNET", "android.permission.CAMERA"),
)

VERSIONS = {"1": VERSION_1}
